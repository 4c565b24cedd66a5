import { t } from '../shared/i18n'
import type { Streams } from '../shared/media/receive'
import { Icon } from '../shared/ui/icon'
import { SlotVideo } from '../shared/ui/media'
import { clips, HEALTH_ICONS } from '../shared/ui/state'
import { VoiceBar } from '../shared/ui/voice'
import type { SeatRow } from '../shared/wire/types.gen'
import type { Desk } from './desk'

interface Props {
  readonly desk: Desk
  readonly seat: SeatRow
  readonly streams: Streams
}

/** One site on the wall. */
export function Tile({ desk, seat, streams }: Props) {
  const texts = t.value
  const health = desk.health(seat)
  const mic = desk.mic(seat)
  const voice = desk.voice(seat)
  const clipping = clips(desk.figures(seat.site))
  const slot = desk.thumbOf(seat.site)
  const paused = slot !== null && seat.present && desk.socket.paused.value.has(slot)
  const inPreview = desk.prepared.scene.value?.seats.includes(seat.site) ?? false
  const onAir = seat.tally === 'on_air'
  const label = [
    seat.site,
    seat.name,
    texts.health[health],
    texts.mic[mic],
    onAir ? texts.operator.program : '',
    inPreview ? texts.operator.preview : '',
    seat.help_since === null ? '' : texts.queue.help,
    seat.position === null ? '' : texts.queue.hand(seat.position),
    seat.standby ? texts.queue.standby : '',
    seat.sharing ? texts.operator.slides.sharing : '',
    voice === 'quiet' || voice === 'unknown' ? '' : texts.voice.states[voice],
    clipping ? texts.voice.clips : '',
    paused ? texts.media.paused : '',
  ]
  const click = (event: MouseEvent): void => {
    if (event.shiftKey || event.ctrlKey || event.metaKey) desk.toggleInPreview(seat.site)
    else desk.preview(seat.site)
  }
  return (
    <li
      class="tile"
      data-site={seat.site}
      data-state={health}
      data-tally={seat.tally}
      data-mic={mic}
      data-preview={inPreview}
      data-selected={desk.selected.value === seat.site}
      data-help={seat.help_since !== null}
      data-hand={seat.position}
      data-standby={seat.standby}
      data-sharing={seat.sharing}
      data-voice={voice}
      data-paused={paused}
    >
      <button
        type="button"
        class="tile-main"
        data-slated={!seat.present || health === 'lost'}
        aria-label={label.filter((part) => part !== '').join(', ')}
        title={`${seat.site} ${seat.name} – ${texts.health[health]}`}
        onClick={click}
        onFocus={() => {
          desk.selected.value = seat.site
        }}
      >
        <span class="tile-slate">
          <b>{seat.site}</b>
        </span>
        {slot === null ? null : <SlotVideo slot={slot} streams={streams} />}
        <span class="tile-marks">
          {onAir ? (
            <span class="mark on-air">
              <Icon name="radio" />
            </span>
          ) : null}
          {inPreview ? (
            <span class="mark in-preview">
              <Icon name="eye" />
            </span>
          ) : null}
          {seat.sharing ? (
            <span class="mark sharing">
              <Icon name="presentation" />
            </span>
          ) : null}
          {paused ? (
            <span class="mark paused">
              <Icon name="circlePause" />
            </span>
          ) : null}
          {seat.position === null ? null : (
            <span class="mark hand">
              <Icon name="hand" />
              {seat.position}
            </span>
          )}
          {seat.standby ? (
            <span class="mark standby">
              <Icon name="monitorSmartphone" />
            </span>
          ) : null}
          {voice === 'muted' ? (
            <span class="mark voice" title={texts.voice.states.muted}>
              <Icon name="micOff" />
            </span>
          ) : null}
          {clipping ? (
            <span class="mark clips" title={texts.voice.clips}>
              <Icon name="triangleAlert" />
            </span>
          ) : null}
          {seat.help_since === null ? null : (
            <span class="mark help">
              <Icon name="lifeBuoy" />
              {texts.queue.helpShort}
            </span>
          )}
        </span>
        <span class="tile-health" data-tone={health}>
          <Icon name={HEALTH_ICONS[health]} />
        </span>
        <VoiceBar seat={seat} figures={desk.figures(seat.site)} />
      </button>
      <span class="tile-caption">
        <span class="tile-name">
          <b>{seat.site}</b> {seat.name}
        </span>
      </span>
      <MicButton desk={desk} seat={seat} />
    </li>
  )
}

/** The operator's mute. Its picture shows both flags, its words say what a press does. */
export function MicButton({ desk, seat }: { desk: Desk; seat: SeatRow }) {
  const texts = t.value
  const mic = desk.mic(seat)
  const action = seat.muted_by_operator
    ? texts.operator.unmuteSite(seat.name)
    : texts.operator.muteSite(seat.name)
  return (
    <button
      type="button"
      class="tile-mic"
      data-testid="mute"
      data-mic={mic}
      aria-label={action}
      title={`${texts.mic[mic]} – ${action}`}
      onClick={() => desk.toggleMic(seat.site)}
    >
      <Icon name={mic === 'open' ? 'mic' : 'micOff'} />
    </button>
  )
}
