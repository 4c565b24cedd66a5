/** The page of a one-time sign-in link. Only a tap uses the code up: scanners open links, too. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Failure, Refusal } from '../shared/client/problem'
import type { Rest } from '../shared/client/rest'
import { t } from '../shared/i18n'
import { CardPage, ErrorText, useTitle } from '../shared/ui/parts'
import type { Me, Role } from '../shared/wire/types.gen'

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
        // not signed in: the page says where a link is found
      },
    )
  }, [rest, code, me])

  const enter = async (): Promise<void> => {
    if (code === null) return
    busy.value = true
    failure.value = null
    try {
      me.value = await rest.signIn({ code })
      const home = homeOf(me.value.role)
      if (home !== null) go(home)
    } catch (error) {
      failure.value = error instanceof Refusal ? error.code : 'internal'
    }
    busy.value = false
  }

  return (
    <CardPage title={code === null ? texts.noCode : texts.title} testid="sign-in">
      {failure.value === null ? null : <ErrorText code={failure.value} />}
      {me.value === null ? null : <SignedIn me={me.value} go={go} />}
      {code === null ? null : (
        <>
          <p>{texts.lead}</p>
          <p class="emphasis">{texts.ready}</p>
          <button
            type="button"
            class="button primary large"
            data-testid="enter"
            disabled={busy.value}
            onClick={() => void enter()}
          >
            {busy.value ? texts.entering : texts.enter}
          </button>
        </>
      )}
      {code === null || failure.value !== null ? <WhereToFind /> : null}
    </CardPage>
  )
}

function SignedIn({ me, go }: { me: Me; go: (path: string) => void }) {
  const texts = t.value.signIn
  const home = homeOf(me.role)
  return (
    <>
      <p class="emphasis">{texts.alreadyIn(me.account)}</p>
      {home === null ? (
        <p>{texts.notForRole}</p>
      ) : (
        <button type="button" class="button primary large" onClick={() => go(home)}>
          {texts.goOn}
        </button>
      )}
    </>
  )
}

function WhereToFind() {
  const texts = t.value.signIn
  return (
    <>
      <h2>{texts.whereTitle}</h2>
      <p>{texts.whereStart}</p>
      <p>{texts.whereAsk}</p>
      <p>{texts.siteHint}</p>
    </>
  )
}
