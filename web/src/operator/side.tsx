import type { Signal } from '@preact/signals'
import { t } from '../shared/i18n'
import { FLOOR_POSITIONS } from '../shared/wire/types.gen'
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
  const order = desk.floor.value.seats.map((seat) => seat.site)
  open.sort((a, b) => order.indexOf(a.site) - order.indexOf(b.site))
  // with a position for everybody there is nothing to explain
  const scarce = open.length > FLOOR_POSITIONS
  const carried = (site: string): boolean => !scarce || desk.figures(site)?.floor_position !== null
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
      {scarce ? <p class="hint">{texts.openMicsFull}</p> : null}
      <ul>
        {open.map((seat) => (
          <li
            key={seat.site}
            data-heard={carried(seat.site)}
            data-voice={desk.voice(seat)}
            title={carried(seat.site) ? '' : texts.waitingMic}
          >
            <b>{seat.site}</b>
            <span class="name">{seat.name}</span>
            {desk.voice(seat) === 'speaking' ? <small>{t.value.voice.speaks}</small> : null}
            {carried(seat.site) ? null : <small>{texts.waitingMic}</small>}
            <MicButton desk={desk} seat={seat} />
          </li>
        ))}
      </ul>
    </section>
  )
}
