import { render } from 'preact'
import { chooseConference } from '../shared/client/choose'
import { failureOf } from '../shared/client/problem'
import { Rest, socketUrl } from '../shared/client/rest'
import { t } from '../shared/i18n'
import { startClock } from '../shared/ui/clock'
import { CardPage } from '../shared/ui/parts'
import { StaffRefused } from '../shared/ui/refused'
import { TechnicianPage } from './page'
import { Watch } from './watch'

export async function start(root: HTMLElement): Promise<void> {
  try {
    const asked = new URLSearchParams(location.search).get('conference')
    const current = chooseConference(await new Rest().conferences(), asked)
    if (current === null) {
      render(<NoConference />, root)
      return
    }
    const path = `/api/conferences/${encodeURIComponent(current)}/socket`
    const watch = new Watch({ url: socketUrl(location, path) }, startClock().now)
    watch.open()
    window.addEventListener('online', () => watch.socket.hurry())
    render(<TechnicianPage watch={watch} />, root)
  } catch (error) {
    render(<StaffRefused code={failureOf(error)} />, root)
  }
}

function NoConference() {
  return (
    <CardPage title={t.value.operator.noConference} testid="no-conference">
      <p>{t.value.technician.noConference}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        {t.value.common.reload}
      </button>
    </CardPage>
  )
}
