/** What a site does in the meeting room: its microphone, its hand, its screen, a call for help. */

import type { Signal } from '@preact/signals'
import { runningTime, shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { StreamVideo } from '../shared/ui/media'
import { carriesMedia, micOf } from '../shared/ui/state'
import type { Phase } from '../shared/wire/types.gen'
import type { Attendance } from './attendance'
import { Level } from './devices'
import { Share } from './share'

interface Props {
  readonly attendance: Attendance
  readonly now: Signal<number>
  readonly phase: Phase
  readonly onOpen: (which: 'leave' | 'devices') => void
}

export function Controls({ attendance, now, phase, onOpen }: Props) {
  const texts = t.value.site
  const live = carriesMedia(phase)
  return (
    <footer class="controls">
      {live ? <Self attendance={attendance} /> : null}
      <Microphone attendance={attendance} live={live} />
      {live || phase === 'recess' ? <Hand attendance={attendance} /> : null}
      <Share attendance={attendance} />
      {live ? <Captions attendance={attendance} now={now} /> : <span class="spacer" />}
      <Help attendance={attendance} />
      <div class="control-buttons">
        <button
          type="button"
          class="button"
          data-testid="settings"
          onClick={() => onOpen('devices')}
        >
          <Icon name="settings" />
          {texts.settings}
        </button>
        <button type="button" class="button" data-testid="leave" onClick={() => onOpen('leave')}>
          <Icon name="logOut" />
          {texts.leave}
        </button>
      </div>
    </footer>
  )
}

function Microphone({ attendance, live }: { attendance: Attendance; live: boolean }) {
  const texts = t.value.site.mic
  const own = attendance.own.value
  const missing = attendance.gear.opened.value.microphone === null
  const open = attendance.micOpen.value
  const speaks = attendance.floor.value.speaker?.site === attendance.site
  const mic = own === null ? 'muted_by_site' : micOf({ ...own, muted_by_site: !open })
  return (
    <div class="microphone" data-mic={missing ? 'missing' : mic} data-testid="microphone">
      <button
        type="button"
        class="mic-button"
        data-testid="mute"
        data-open={open}
        disabled={own === null || missing}
        aria-pressed={open}
        onClick={() => attendance.toggleMic()}
      >
        <Icon name={open ? 'mic' : 'micOff'} />
        {open ? texts.turnOff : texts.turnOn}
      </button>
      <div class="mic-text" role="status">
        <b>{micText(mic, missing, live, attendance.carried.value)}</b>
        {mic === 'muted_by_operator' && !missing ? (
          <span>{open ? texts.muted_by_operator_ready : texts.muted_by_operator_shut}</span>
        ) : null}
        {!open && !missing && speaks ? <span class="warn">{texts.floorShut}</span> : null}
        {!open && !speaks && attendance.talking.value && mic !== 'muted_by_operator' ? (
          <span class="warn">{texts.talkingWhileMuted}</span>
        ) : null}
        {missing ? null : <Level attendance={attendance} />}
        {live || missing || own === null || own.heard_at === null ? null : (
          <span data-testid="mic-proved">{texts.proved}</span>
        )}
      </div>
    </div>
  )
}

function micText(
  mic: 'open' | 'muted_by_operator' | 'muted_by_site',
  missing: boolean,
  live: boolean,
  carried: boolean,
): string {
  const texts = t.value.site.mic
  if (missing) return texts.missing
  if (mic !== 'open') return texts[mic]
  if (!live) return texts.openBeforeStart
  return carried ? texts.open : texts.openFull
}

/** Ask to speak, and where this site stands in the queue. */
function Hand({ attendance }: { attendance: Attendance }) {
  const texts = t.value.site.hand
  const own = attendance.own.value
  const raised = (own?.hand_since ?? null) !== null
  const position = own?.position ?? null
  return (
    <div class="ask">
      <button
        type="button"
        class="ask-button"
        data-testid="hand"
        data-raised={raised}
        aria-pressed={raised}
        disabled={own === null}
        onClick={() => attendance.toggleHand()}
      >
        <Icon name="hand" />
        {raised ? texts.lower : texts.raise}
      </button>
      <p class="ask-state" role="status" data-testid="position" data-position={position}>
        {position === null ? '' : texts.position(position)}
      </p>
    </div>
  )
}

/** The one button that always brings a person. */
function Help({ attendance }: { attendance: Attendance }) {
  const texts = t.value
  const since = attendance.own.value?.help_since ?? null
  return (
    <div class="ask">
      <button
        type="button"
        class="ask-button help"
        data-testid="help"
        data-asked={since !== null}
        aria-pressed={since !== null}
        disabled={attendance.own.value === null}
        onClick={() => attendance.toggleHelp()}
      >
        <Icon name="lifeBuoy" />
        {since === null ? texts.site.help.ask : texts.site.help.takeBack}
      </button>
      <p class="ask-state" role="status">
        {since === null ? '' : texts.site.help.asked(shortTime(since, texts.locale))}
      </p>
    </div>
  )
}

function Captions({ attendance, now }: Pick<Props, 'attendance' | 'now'>) {
  const texts = t.value.site
  const stage = attendance.stage.value
  const seen = [
    ...(stage.slides === null ? [] : [texts.slides.of(stage.slides.name)]),
    ...stage.seats.map((seat) => seat.name),
  ]
  const own = attendance.own.value?.site
  const { seats, speaker, speaking_since: since } = attendance.floor.value
  const heard = seats.filter((seat) => seat.site !== own)
  return (
    <dl class="captions">
      {speaker === null ? null : (
        <div>
          <dt title={texts.speaks}>
            <Icon name="messageSquare" />
            <span>{texts.speaks}</span>
          </dt>
          <dd data-testid="speaker" data-site={speaker.site}>
            {speaker.name}
            {since === null ? null : <time> {runningTime(now.value - since)}</time>}
          </dd>
        </div>
      )}
      <div>
        <dt title={texts.seen}>
          <Icon name="eye" />
          <span>{texts.seen}</span>
        </dt>
        <dd data-testid="seen">{seen.length === 0 ? texts.noPicture : seen.join(', ')}</dd>
      </div>
      <div>
        <dt title={texts.heard}>
          <Icon name="ear" />
          <span>{texts.heard}</span>
        </dt>
        <dd data-testid="heard">
          {heard.length === 0 ? texts.heardNone : heard.map((seat) => seat.name).join(', ')}
        </dd>
      </div>
    </dl>
  )
}

/** What the others see of this site. */
export function Self({ attendance }: { attendance: Attendance }) {
  const stream = attendance.gear.selfView.value
  const texts = t.value.site
  return (
    <figure class="self">
      <StreamVideo stream={stream} testid="self" />
      {stream === null ? (
        <p class="self-off">
          <Icon name="videoOff" />
          {texts.devices.selfOff}
        </p>
      ) : null}
      <figcaption>{texts.self}</figcaption>
    </figure>
  )
}
