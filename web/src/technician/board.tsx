import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { shortAge } from '../shared/client/time'
import { t } from '../shared/i18n'
import { Icon, type IconName } from '../shared/ui/icon'
import { clips, HEALTH_ICONS, voiceOf } from '../shared/ui/state'
import { VoiceBar } from '../shared/ui/voice'
import { age, kilobits, milliseconds, percent } from './format'
import { contactAge, controlLost, type Judged, otherCodec, pictureFault } from './judge'
import { gridFor } from './layout'
import type { Watch } from './watch'

/** Sites run down the columns, so that the worst stand together at the top left. */
export function Board({ watch }: { watch: Watch }) {
  const box = useRef<HTMLDivElement>(null)
  const grid = useSignal({ columns: 4, rows: 16, rowHeight: 52 })
  const sites = watch.sites.value
  const count = sites.length
  useEffect(() => {
    const element = box.current
    if (element === null || typeof ResizeObserver === 'undefined') return
    const observer = new ResizeObserver(() => {
      grid.value = gridFor(count, element.clientWidth, element.clientHeight)
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [count, grid])
  const { columns, rows, rowHeight } = grid.value
  return (
    <div class="board-box" ref={box}>
      <ul
        class="sites"
        data-dense={rowHeight < 50}
        style={{
          gridTemplateRows: `repeat(${rows}, ${rowHeight}px)`,
          gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
        }}
      >
        {sites.map((judged) => (
          <Site key={judged.seat.site} watch={watch} judged={judged} />
        ))}
      </ul>
    </div>
  )
}

function Site({ watch, judged }: { watch: Watch; judged: Judged }) {
  const texts = t.value
  const { seat, state, figures } = judged
  const selected = watch.selected.value === seat.site
  const contact = contactAge(figures)
  const lost = controlLost(judged)
  const wrong = otherCodec(judged) !== null
  const fault = pictureFault(judged)
  return (
    <li
      class="site"
      data-site={seat.site}
      data-state={state}
      data-tally={seat.tally}
      data-control={figures?.control ?? 'none'}
      data-help={seat.help_since !== null}
      data-standby={seat.standby}
      data-voice={voiceOf(seat, figures)}
      data-clips={clips(figures)}
      data-other-codec={wrong}
      data-picture={fault ?? undefined}
      data-mic-heard={seat.heard_at !== null}
    >
      <button
        type="button"
        aria-pressed={selected}
        onClick={() => {
          watch.selected.value = selected ? null : seat.site
        }}
      >
        <span class="state" data-tone={state}>
          <Icon name={HEALTH_ICONS[state]} />
        </span>
        <span class="name">
          <b>{seat.site}</b> {seat.name}
          {seat.tally === 'on_air' ? (
            <span class="on-air">
              <Icon name="radio" />
              <span class="visually-hidden">{texts.tally.on_air}</span>
            </span>
          ) : null}
          <Voice judged={judged} />
          {seat.standby ? (
            <span class="has-standby" title={texts.queue.standby}>
              <Icon name="monitorSmartphone" />
              <span class="visually-hidden">{texts.queue.standby}</span>
            </span>
          ) : null}
        </span>
        <span class="state-text" data-tone={lost ? 'fair' : state}>
          {seat.help_since === null ? null : (
            <span class="help">
              <Icon name="lifeBuoy" />
              {texts.queue.help}
            </span>
          )}
          {wrong ? (
            <span class="other-codec" data-tone="lost">
              <Icon name="triangleAlert" />
              {texts.technician.otherCodec}
            </span>
          ) : lost ? (
            texts.technician.controlLostShort
          ) : fault !== null ? (
            <span class="picture-fault" data-tone="fair">
              <Icon name="videoOff" />
              {texts.technician.pictureFaults[fault]}
            </span>
          ) : (
            texts.health[state]
          )}
          {figures !== null && state !== 'good' && state !== 'offline' ? (
            <small> {shortAge(watch.now.value - figures.since, texts.common.units)}</small>
          ) : null}
        </span>
        <span class="figures">
          <span title={texts.technician.rtt}>{milliseconds(figures?.rtt_s)}</span>
          <span title={texts.technician.loss}>{percent(figures?.loss_ratio, texts.locale)}</span>
          <span title={texts.technician.bitrate}>
            {kilobits(figures?.bitrate_bps, texts.locale)}
          </span>
          <span title={texts.technician.age}>{age(contact, texts)}</span>
        </span>
        <VoiceBar seat={seat} figures={figures} />
      </button>
    </li>
  )
}

/** Is it heard, was it ever, is it too loud: one mark, the most urgent. */
function Voice({ judged }: { judged: Judged }) {
  const { seat, figures } = judged
  const words = t.value.voice
  const voice = voiceOf(seat, figures)
  if (clips(figures)) return <Mark icon="triangleAlert" tone="lost" text={words.clips} />
  if (voice === 'muted') return <Mark icon="micOff" tone="fair" text={words.states.muted} />
  if (voice === 'speaking' || voice === 'waiting') {
    return (
      <Mark icon="mic" tone={voice === 'speaking' ? 'good' : 'fair'} text={words.states[voice]} />
    )
  }
  return seat.heard_at === null ? null : (
    <Mark icon="check" tone="good" text={words.heard} testid="mic-heard" />
  )
}

interface MarkProps {
  readonly icon: IconName
  readonly tone: string
  readonly text: string
  readonly testid?: string
}

function Mark({ icon, tone, text, testid }: MarkProps) {
  return (
    <span class="voice-mark" data-tone={tone} title={text} data-testid={testid}>
      <Icon name={icon} />
      <span class="visually-hidden">{text}</span>
    </span>
  )
}
