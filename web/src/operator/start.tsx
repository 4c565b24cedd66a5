/** Puts the console together: which conference, then its desk. */

import { render } from 'preact'
import { chooseConference } from '../shared/client/choose'
import { type Failure, Refusal } from '../shared/client/problem'
import { Rest, socketUrl } from '../shared/client/rest'
import { t } from '../shared/i18n'
import { startClock } from '../shared/ui/clock'
import { CardPage, ErrorText, useTitle } from '../shared/ui/parts'
import type { ConferenceId } from '../shared/wire/types.gen'
import { Desk } from './desk'
import { CreateForm } from './dialogs'
import { OperatorPage } from './page'

export async function start(root: HTMLElement): Promise<void> {
  const rest = new Rest()
  try {
    const conferences = await rest.conferences()
    const asked = new URLSearchParams(location.search).get('conference')
    const current = chooseConference(conferences, asked)
    if (current === null) {
      render(<NoConference rest={rest} />, root)
      return
    }
    const path = `/api/conferences/${encodeURIComponent(current)}/socket`
    const desk = new Desk({ url: socketUrl(location, path) })
    desk.open()
    window.addEventListener('online', () => desk.socket.hurry())
    const { now } = startClock()
    render(
      <OperatorPage
        desk={desk}
        rest={rest}
        now={now}
        conferences={conferences}
        current={current}
        go={go}
      />,
      root,
    )
  } catch (error) {
    const code = error instanceof Refusal ? error.code : 'internal'
    render(<Refused code={code} />, root)
  }
}

function go(conference: ConferenceId): void {
  location.assign(`/operator/?conference=${encodeURIComponent(conference)}`)
}

function NoConference({ rest }: { rest: Rest }) {
  const texts = t.value.operator
  useTitle(`${texts.title} · ${t.value.common.product}`)
  return (
    <CardPage title={texts.noConference} testid="no-conference">
      <p>{texts.noConferenceHint}</p>
      <CreateForm rest={rest} onCreated={go} />
    </CardPage>
  )
}

function Refused({ code }: { code: Failure }) {
  const texts = t.value
  useTitle(`${texts.operator.title} · ${texts.common.product}`)
  return (
    <CardPage title={texts.operator.title}>
      <ErrorText code={code} />
      {code === 'unauthenticated' ? (
        <>
          <h2>{texts.signIn.whereTitle}</h2>
          <p>{texts.signIn.whereStart}</p>
          <p>{texts.signIn.whereAsk}</p>
        </>
      ) : (
        <button type="button" class="button primary" onClick={() => location.reload()}>
          {texts.common.retry}
        </button>
      )}
    </CardPage>
  )
}
