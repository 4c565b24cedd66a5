/** Where a site types its code, when its link is on paper or on another device. */

import { useSignal } from '@preact/signals'
import { Arrival } from '../shared/client/arrival'
import type { InApp } from '../shared/client/in-app'
import { type Failure, failureOf } from '../shared/client/problem'
import { type Rest, seatPath } from '../shared/client/rest'
import { t } from '../shared/i18n'
import { InAppNotice } from '../shared/ui/in-app'
import { CardPage, ErrorText, useTitle } from '../shared/ui/parts'

interface Props {
  readonly rest: Rest
  readonly inApp: InApp | null
  readonly go: (path: string) => void
}

export function JoinPage({ rest, inApp, go }: Props) {
  const texts = t.value.join
  const code = useSignal('')
  const busy = useSignal(false)
  const failure = useSignal<Failure | null>(null)
  useTitle(`${texts.title} · ${t.value.common.product}`)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    busy.value = true
    failure.value = null
    try {
      const seated = await rest.join({ code: code.value.trim() })
      new Arrival(seated.conference, seated.site).announce(seated)
      go(seatPath(seated.conference, seated.site))
    } catch (error) {
      failure.value = failureOf(error)
      busy.value = false
    }
  }
  return (
    <CardPage title={texts.title} testid="join-page">
      {inApp === null ? null : <InAppNotice app={inApp} link={location.href} />}
      <p>{texts.lead}</p>
      <form class="join-form" onSubmit={(event) => void submit(event)}>
        <label>
          {texts.code}
          <input
            class="field join-code"
            data-testid="join-code"
            placeholder={texts.example}
            aria-describedby="join-failure"
            aria-invalid={failure.value === 'code_invalid'}
            autocomplete="off"
            autocapitalize="characters"
            autocorrect="off"
            enterkeyhint="go"
            spellcheck={false}
            maxLength={24}
            value={code.value}
            onInput={(event) => {
              code.value = event.currentTarget.value.toUpperCase()
            }}
          />
        </label>
        <div id="join-failure">
          {failure.value === null ? null : <ErrorText code={failure.value} />}
        </div>
        <button
          type="submit"
          class="button primary large"
          data-testid="join-submit"
          disabled={busy.value || code.value.trim() === ''}
        >
          {busy.value ? texts.entering : texts.enter}
        </button>
      </form>
      <p>{texts.where}</p>
    </CardPage>
  )
}
