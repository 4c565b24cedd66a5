import type { Signal } from '@preact/signals'
import { runningTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { HelpCall, StandbyCall } from '../shared/ui/calls'
import { Icon } from '../shared/ui/icon'
import { carriesMedia, clips, HEALTH_ICONS } from '../shared/ui/state'
import type { PageCommand, SeatRow } from '../shared/wire/types.gen'
import type { Desk } from './desk'
import { isFull, withSlides } from './scene'

interface Props {
  readonly desk: Desk
  readonly now: Signal<number>
}

/** The site under the operator's hand: one line, always there, so that nothing jumps. */
export function Selected({ desk, now }: Props) {
  const texts = t.value.operator
  const site = desk.selected.value
  const seat = site === null ? null : desk.seat(site)
  return (
    <section
      class="panel selected"
      aria-label={texts.selected}
      data-testid="selected"
      data-selected-site={site}
    >
      {seat === null ? (
        <p class="hint">{texts.selectedNone}</p>
      ) : (
        <SelectedSite desk={desk} now={now} seat={seat} />
      )}
    </section>
  )
}

function SelectedSite({ desk, now, seat }: Props & { seat: SeatRow }) {
  const texts = t.value
  const health = desk.health(seat)
  const ask = (command: PageCommand): void => void desk.ask(command)
  return (
    <>
      <h2>
        <b>{seat.site}</b> {seat.name}
      </h2>
      <p class="facts">
        <span data-tone={health}>
          <Icon name={HEALTH_ICONS[health]} /> {texts.health[health]}
        </span>
        <span class="mic-fact">{texts.mic[desk.mic(seat)]}</span>
        <VoiceFact desk={desk} seat={seat} />
        <span data-testid="spoken">
          {texts.queue.spoken} {runningTime(desk.spokenS(seat, now.value))}
        </span>
      </p>
      <Actions desk={desk} seat={seat} />
      <span class="spacer" />
      <StandbyCall seat={seat} ask={ask} small />
      <HelpCall seat={seat} ask={ask} small />
    </>
  )
}

/** Who is about to be given the floor: does the microphone work, is somebody at it? */
function VoiceFact({ desk, seat }: { desk: Desk; seat: SeatRow }) {
  const words = t.value.voice
  const voice = desk.voice(seat)
  const text = clips(desk.figures(seat.site))
    ? words.clips
    : voice === 'quiet' || voice === 'unknown'
      ? seat.heard_at === null
        ? words.neverHeard
        : words.heard
      : words.states[voice]
  return (
    <span data-testid="voice" data-voice={voice}>
      {text}
    </span>
  )
}

/** Only for a site that shares: its slides into the preview, or out of it. */
function SlidesButton({ desk, seat }: { desk: Desk; seat: SeatRow }) {
  const texts = t.value.operator.slides
  if (!seat.sharing) return null
  const preview = desk.prepared.scene.value
  const included = preview?.slides === seat.site
  const full = withSlides(preview, seat.site) === 'full'
  return (
    <button
      type="button"
      class={included ? 'button small primary' : 'button small'}
      data-testid="selected-slides"
      aria-pressed={included}
      disabled={full}
      title={full ? texts.full : included ? texts.removeHint : texts.addHint}
      onClick={(event) => desk.toggleSlides(seat.site, event.shiftKey)}
    >
      <Icon name="presentation" />
      {included ? texts.remove : texts.add}
    </button>
  )
}

function Actions({ desk, seat }: { desk: Desk; seat: SeatRow }) {
  const texts = t.value
  const preview = desk.prepared.scene.value
  const included = preview?.seats.includes(seat.site) ?? false
  const full = !included && isFull(preview)
  const cued = desk.cued.value === seat.site
  const speaks = desk.floor.value.speaker?.site === seat.site
  const grid = included ? texts.operator.removeFromGrid : texts.operator.addToGrid
  const mute = seat.muted_by_operator ? texts.operator.unmute : texts.operator.mute
  return (
    <div class="actions">
      <button
        type="button"
        class="button small go"
        data-testid="selected-give-floor"
        disabled={speaks || !seat.present || !carriesMedia(desk.conference.value?.phase)}
        onClick={() => desk.ask({ type: 'give_floor', site: seat.site })}
      >
        {texts.queue.giveLong}
      </button>
      <button
        type="button"
        class={cued ? 'button small primary' : 'button small'}
        data-testid="cue"
        aria-pressed={cued}
        aria-label={cued ? texts.queue.cueOff : texts.queue.cue}
        title={cued ? texts.queue.cueOff : texts.queue.cueHint}
        onClick={() => desk.toggleCue(seat.site)}
      >
        <Icon name="headphones" />
        <span class="wide-only">{cued ? texts.queue.cueOff : texts.queue.cue}</span>
      </button>
      <SlidesButton desk={desk} seat={seat} />
      <button
        type="button"
        class="button small"
        disabled={full}
        aria-label={grid}
        title={full ? texts.operator.gridFull : grid}
        onClick={() => desk.toggleInPreview(seat.site)}
      >
        <Icon name={included ? 'x' : 'plus'} />
        <span class="wide-only">{grid}</span>
      </button>
      <button
        type="button"
        class="button small"
        aria-label={mute}
        title={mute}
        onClick={() => desk.toggleMic(seat.site)}
      >
        <Icon name={seat.muted_by_operator ? 'mic' : 'micOff'} />
        <span class="wide-only">{mute}</span>
      </button>
    </div>
  )
}
