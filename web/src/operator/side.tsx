import type { Signal } from '@preact/signals'
import { t } from '../shared/i18n'
import type { Desk } from './desk'
import { Queue } from './queue'
import { MicButton } from './tile'

interface Props {
  readonly desk: Desk
  readonly now: Signal<number>
}

/** Who asks to speak, and who can be heard. */
export function Side({ desk, now }: Props) {
  return (
    <aside class="side">
      <Queue desk={desk} now={now} />
      <OpenMicrophones desk={desk} />
    </aside>
  )
}

function OpenMicrophones({ desk }: { desk: Desk }) {
  const texts = t.value.operator
  const open = desk.seats.value.filter((seat) => desk.mic(seat) === 'open')
  const heard = new Set(desk.floor.value.seats.map((seat) => seat.site))
  open.sort((a, b) => Number(heard.has(b.site)) - Number(heard.has(a.site)))
  return (
    <section class="panel open-mics">
      <header>
        <h2>
          {texts.openMics} <span class="count">{open.length}</span>
        </h2>
        {open.some((seat) => !seat.central) ? (
          <button type="button" class="button small" onClick={() => desk.muteAll()}>
            {texts.muteAll}
          </button>
        ) : null}
      </header>
      {open.length === 0 ? <p class="hint">{texts.openMicsNone}</p> : null}
      {open.length > heard.size && heard.size >= 4 ? (
        <p class="hint">{texts.openMicsFull}</p>
      ) : null}
      <ul>
        {open.map((seat) => (
          <li
            key={seat.site}
            data-heard={heard.has(seat.site)}
            title={heard.has(seat.site) ? '' : texts.waitingMic}
          >
            <b>{seat.site}</b>
            <span class="name">{seat.name}</span>
            {heard.has(seat.site) ? null : <small>{texts.waitingMic}</small>}
            <MicButton desk={desk} seat={seat} />
          </li>
        ))}
      </ul>
    </section>
  )
}
