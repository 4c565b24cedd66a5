/** Puts the console together: which conference, then its desk. */

import { render } from 'preact'
import { chooseConference } from '../shared/client/choose'
import { failureOf } from '../shared/client/problem'
import { Rest, socketUrl } from '../shared/client/rest'
import { t } from '../shared/i18n'
import { startClock } from '../shared/ui/clock'
import { CardPage, useTitle } from '../shared/ui/parts'
import { StaffRefused } from '../shared/ui/refused'
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
    render(<StaffRefused code={failureOf(error)} />, root)
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
