/**
 * Signing in by a one-time link or by password. Only a tap uses the code up: scanners open links,
 * too.
 */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Failure, failureOf } from '../shared/client/problem'
import type { Rest } from '../shared/client/rest'
import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { CardPage, ErrorText, useTitle } from '../shared/ui/parts'
import type { Me, Role, SignInRequest } from '../shared/wire/types.gen'

/** Where a role works; null where it has no page. */
export function homeOf(role: Role): string | null {
  switch (role) {
    case 'administrator':
    case 'operator':
      return '/operator/'
    case 'technician':
      return '/technician/'
    default:
      return null
  }
}

/** The code in `#code=…`; null if there is none. */
export function codeIn(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, '')).get('code')
}

interface Props {
  readonly rest: Rest
  readonly code: string | null
  readonly go: (path: string) => void
}

export function SignInPage({ rest, code, go }: Props) {
  const texts = t.value.signIn
  const busy = useSignal(false)
  const failure = useSignal<Failure | null>(null)
  const me = useSignal<Me | null>(null)
  useTitle(`${texts.title} · ${t.value.common.product}`)
  useEffect(() => {
    if (code !== null) return
    rest.me().then(
      (answer) => {
        me.value = answer
      },
      () => {
        // not signed in: that is what the form is for
      },
    )
  }, [rest, code, me])

  const attempt = async (request: SignInRequest): Promise<void> => {
    busy.value = true
    failure.value = null
    try {
      me.value = await rest.signIn(request)
      const home = homeOf(me.value.role)
      if (home !== null) go(home)
    } catch (error) {
      failure.value = failureOf(error)
    }
    busy.value = false
  }
  const leave = async (): Promise<void> => {
    await rest.signOut().catch(() => {
      // the cookie has run out already
    })
    me.value = null
  }
  const form = <PasswordForm busy={busy.value} onSubmit={(request) => void attempt(request)} />

  return (
    <CardPage title={texts.title} testid="sign-in">
      {failure.value === null ? null : <ErrorText code={failure.value} />}
      {me.value === null ? null : <SignedIn me={me.value} go={go} leave={() => void leave()} />}
      {code === null || me.value !== null ? null : (
        <>
          <p>{texts.lead}</p>
          <p class="emphasis">{texts.ready}</p>
          <button
            type="button"
            class="button primary large"
            data-testid="enter"
            disabled={busy.value}
            onClick={() => void attempt({ code })}
          >
            {busy.value ? texts.entering : texts.enter}
          </button>
          <details>
            <summary>{texts.byPassword}</summary>
            {form}
          </details>
        </>
      )}
      {code !== null || me.value !== null ? null : (
        <>
          <p>{texts.lead}</p>
          {form}
        </>
      )}
      {me.value === null && (code === null || failure.value !== null) ? <WhereToFind /> : null}
    </CardPage>
  )
}

interface FormProps {
  readonly busy: boolean
  readonly onSubmit: (request: SignInRequest) => void
}

function PasswordForm({ busy, onSubmit }: FormProps) {
  const texts = t.value.signIn
  const account = useSignal('')
  const password = useSignal('')
  const submit = (event: Event): void => {
    event.preventDefault()
    onSubmit({ account: account.value.trim(), password: password.value })
  }
  return (
    <form class="password-form" onSubmit={submit}>
      <label>
        {texts.account}
        <input
          class="field"
          name="account"
          data-testid="account"
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          maxLength={64}
          value={account.value}
          onInput={(event) => {
            account.value = event.currentTarget.value
          }}
        />
      </label>
      <label>
        {texts.password}
        <input
          class="field"
          name="password"
          type="password"
          data-testid="password"
          autocomplete="current-password"
          required
          maxLength={256}
          value={password.value}
          onInput={(event) => {
            password.value = event.currentTarget.value
          }}
        />
      </label>
      <button
        type="submit"
        class="button primary large"
        data-testid="sign-in-submit"
        disabled={busy || account.value.trim() === '' || password.value === ''}
      >
        {busy ? texts.entering : texts.enter}
      </button>
    </form>
  )
}

interface SignedInProps {
  readonly me: Me
  readonly go: (path: string) => void
  readonly leave: () => void
}

function SignedIn({ me, go, leave }: SignedInProps) {
  const texts = t.value.signIn
  const home = homeOf(me.role)
  return (
    <>
      <p class="emphasis" data-testid="signed-in" data-role={me.role}>
        {texts.alreadyIn(me.account)}
      </p>
      {home === null ? (
        <p>{me.role === 'secretary' ? texts.forSecretary : texts.forViewer}</p>
      ) : (
        <button type="button" class="button primary large" onClick={() => go(home)}>
          {texts.goOn}
        </button>
      )}
      {me.role === 'secretary' ? (
        <button
          type="button"
          class="button primary large"
          data-testid="look-on"
          onClick={() => go('/technician/')}
        >
          {texts.lookOn}
        </button>
      ) : null}
      <button type="button" class="button" data-testid="sign-out" onClick={leave}>
        <Icon name="logOut" />
        {t.value.common.signOut}
      </button>
    </>
  )
}

function WhereToFind() {
  const texts = t.value.signIn
  return (
    <details>
      <summary>{texts.whereTitle}</summary>
      <p>{texts.whereStart}</p>
      <p>{texts.whereAsk}</p>
      <p>{texts.siteHint}</p>
    </details>
  )
}
