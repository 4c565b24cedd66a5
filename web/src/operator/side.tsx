import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { HEALTH_ICONS } from '../shared/ui/state'
import type { SeatRow } from '../shared/wire/types.gen'
import type { Desk } from './desk'
import { MAX_SCENE_SEATS } from './scene'
import { MicButton } from './tile'

/** Who can be heard, and the site under the operator's hand. */
export function Side({ desk }: { desk: Desk }) {
  return (
    <aside class="side">
      <OpenMicrophones desk={desk} />
      <Selected desk={desk} />
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
          <li key={seat.site} data-heard={heard.has(seat.site)}>
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

function Selected({ desk }: { desk: Desk }) {
  const texts = t.value.operator
  const site = desk.selected.value
  const seat = site === null ? null : desk.seat(site)
  return (
    <section class="panel selected" aria-label={texts.selected}>
      {seat === null ? (
        <p class="hint">{texts.selectedNone}</p>
      ) : (
        <SelectedSite desk={desk} seat={seat} />
      )}
    </section>
  )
}

function SelectedSite({ desk, seat }: { desk: Desk; seat: SeatRow }) {
  const texts = t.value
  const health = desk.health(seat)
  const preview = desk.conference.value?.preview?.seats ?? []
  const included = preview.includes(seat.site)
  const full = !included && preview.length >= MAX_SCENE_SEATS
  return (
    <>
      <h2>
        <b>{seat.site}</b> {seat.name}
      </h2>
      <p class="facts">
        <span data-tone={health}>
          <Icon name={HEALTH_ICONS[health]} /> {texts.health[health]}
        </span>
        <span>{texts.mic[desk.mic(seat)]}</span>
      </p>
      {!seat.muted_by_operator && seat.muted_by_site ? (
        <p class="hint">{texts.operator.unmuteButSiteMuted}</p>
      ) : null}
      <div class="actions">
        <button
          type="button"
          class="button small"
          disabled={full}
          title={full ? texts.operator.gridFull : ''}
          onClick={() => desk.toggleInPreview(seat.site)}
        >
          <Icon name={included ? 'x' : 'plus'} />
          {included ? texts.operator.removeFromGrid : texts.operator.addToGrid}
        </button>
        <button type="button" class="button small" onClick={() => desk.toggleMic(seat.site)}>
          <Icon name={seat.muted_by_operator ? 'mic' : 'micOff'} />
          {seat.muted_by_operator ? texts.operator.unmute : texts.operator.mute}
        </button>
      </div>
    </>
  )
}
