/** The meeting room: the program, the tally, the microphone. */

import { type Signal, useSignal } from '@preact/signals'
import { clockTime, longDate, runningTime, shortTime } from '../shared/client/time'
import { language, t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { SlotAudio, SlotPicture, StreamVideo } from '../shared/ui/media'
import {
  Brand,
  ConfirmDialog,
  ConnectionBadge,
  LanguageSwitch,
  PhasePill,
} from '../shared/ui/parts'
import { RecordedPill } from '../shared/ui/recorded'
import { carriesMedia, micOf } from '../shared/ui/state'
import type { Phase, Tally } from '../shared/wire/types.gen'
import type { Attendance } from './attendance'
import { DevicesDialog, Level } from './devices'
import { Share, ShareProblem } from './share'

interface Props {
  readonly attendance: Attendance
  readonly now: Signal<number>
}

export function Room({ attendance, now }: Props) {
  const open = useSignal<'leave' | 'devices' | null>(null)
  const phase: Phase = attendance.conference.value?.phase ?? 'scheduled'
  const live = carriesMedia(phase)
  const tally: Tally = attendance.own.value?.tally ?? 'listening'
  const close = (): void => {
    open.value = null
  }
  return (
    <div
      class="room"
      data-testid="room"
      data-phase={phase}
      data-tally={tally}
      data-publish={attendance.publisher.session.state.value.kind}
      data-receive={attendance.receiver.session.state.value.kind}
    >
      <Head attendance={attendance} now={now} phase={phase} />
      {live || tally === 'next' ? <TallyBar attendance={attendance} tally={tally} /> : null}
      <main>
        {live ? <Program attendance={attendance} /> : <Waiting {...{ attendance, now }} />}
      </main>
      <Controls {...{ attendance, now, phase }} onOpen={(which) => (open.value = which)} />
      <SoundGate attendance={attendance} />
      <ShareProblem attendance={attendance} />
      {[1, 2, 3, 4].map((n) => (
        <SlotAudio
          key={n}
          slot={`floor:${n}`}
          streams={attendance.receiver.streams.value}
          sound={attendance.sound}
        />
      ))}
      {open.value === 'devices' ? <DevicesDialog attendance={attendance} onClose={close} /> : null}
      {open.value === 'leave' ? <LeaveDialog attendance={attendance} onClose={close} /> : null}
    </div>
  )
}

function Head({ attendance, now, phase }: Props & { phase: Phase }) {
  const conference = attendance.conference.value
  const seated = attendance.seated.value
  const own = attendance.own.value
  const title = language.value === 'en' ? conference?.title_en : conference?.title
  return (
    <header class="room-head">
      <Brand compact />
      <div class="who">
        <b>{own?.banner ?? seated?.banner ?? ''}</b>
        <span>{title ?? seated?.title ?? ''}</span>
      </div>
      <span class="spacer" />
      <RecordedPill row={attendance.recording.value} />
      <PhasePill phase={phase} />
      <time>{clockTime(now.value, t.value.locale)}</time>
      <ConnectionBadge connection={attendance.socket.connection.value} now={now.value} />
      <LanguageSwitch />
    </header>
  )
}

function TallyBar({ attendance, tally }: { attendance: Attendance; tally: Tally }) {
  const texts = t.value
  const speaks = attendance.floor.value.speaker?.site === attendance.site
  const hints: Record<Tally, string> = {
    on_air: speaks ? texts.site.floorHint : texts.site.onAirHint,
    next: texts.site.nextHint,
    listening: texts.site.listeningHint,
  }
  const icons = { on_air: 'radio', next: 'hand', listening: 'ear' } as const
  return (
    <div class="tally" data-tally={tally} data-testid="tally" role="status">
      <Icon name={icons[tally]} />
      <b>{texts.tally[tally]}</b>
      <span>{hints[tally]}</span>
    </div>
  )
}

function Program({ attendance }: { attendance: Attendance }) {
  const texts = t.value
  const { seats, slides } = attendance.stage.value
  const streams = attendance.receiver.streams.value
  const state = attendance.receiver.session.state.value.kind
  const first = slides === null ? 1 : 2
  const paused = attendance.socket.paused.value
  const shown = seats.length + first - 1
  const resting = Array.from({ length: shown }, (_, index) => paused.has(`stage:${index + 1}`))
  const soundOnly = state === 'connected' && shown > 0 && resting.every((rests) => rests)
  const missing = state === 'connected' ? texts.site.noPicture : texts.media.connecting
  return (
    <section
      class="program"
      data-testid="program"
      data-sites={seats.map((seat) => seat.site).join(' ')}
      data-slides={slides?.site}
      data-sound-only={soundOnly}
      aria-label={texts.operator.program}
    >
      <h1 class="visually-hidden">{attendance.conference.value?.title}</h1>
      <div class="picture" data-count={seats.length} data-slides={slides?.site}>
        {slides === null ? null : (
          <figure
            class="cell slides"
            key={`slides ${slides.site}`}
            data-cell="slides"
            aria-label={texts.site.slides.label(slides.name)}
          >
            <SlotPicture
              slot="stage:1"
              slides
              streams={streams}
              paused={paused.has('stage:1')}
              slate={
                <Slate
                  name={texts.site.slides.label(slides.name)}
                  text={state === 'connected' ? texts.site.slides.noPicture : missing}
                />
              }
            />
          </figure>
        )}
        {seats.map((seat, index) => (
          <figure class="cell" key={seat.site} data-cell={seat.site}>
            <SlotPicture
              slot={`stage:${index + first}`}
              streams={streams}
              paused={paused.has(`stage:${index + first}`)}
              slate={<Slate name={seat.name} text={missing} />}
            />
            {seats.length + first > 2 ? <figcaption>{seat.name}</figcaption> : null}
          </figure>
        ))}
        {seats.length === 0 && slides === null ? <p class="empty">{texts.site.noPicture}</p> : null}
      </div>
      {soundOnly ? (
        <div class="banner slow" role="status" data-testid="sound-only">
          <Icon name="volume" />
          <p>
            <b>{texts.media.soundOnly}</b>
            <span>{texts.media.soundOnlyHint}</span>
          </p>
        </div>
      ) : null}
      {state === 'retrying' ? (
        <p class="banner" role="alert">
          <Icon name="wifiOff" />
          {texts.media.retrying}
        </p>
      ) : null}
    </section>
  )
}

function Slate({ name, text }: { name: string; text: string }) {
  return (
    <div class="slate">
      <b>{name}</b>
      <span>{text}</span>
    </div>
  )
}

function Waiting({ attendance, now }: Props) {
  const texts = t.value
  const conference = attendance.conference.value
  const title = language.value === 'en' ? conference?.title_en : conference?.title
  return (
    <section class="waiting" data-testid="waiting">
      <div class="waiting-text">
        <h1>{conference?.phase === 'recess' ? texts.site.recess : texts.site.waiting.title}</h1>
        <p class="conference-title">{title}</p>
        {conference === null ? null : (
          <dl>
            <div>
              <dt>{texts.site.waiting.startsAt}</dt>
              <dd>
                <b>{shortTime(conference.starts_at, texts.locale)}</b>{' '}
                {longDate(conference.starts_at, texts.locale)}
              </dd>
            </div>
            <div>
              <dt>{texts.site.waiting.now}</dt>
              <dd>
                <b>{clockTime(now.value, texts.locale)}</b> {longDate(now.value, texts.locale)}
              </dd>
            </div>
            <div>
              <dt>{texts.site.waiting.organizer}</dt>
              <dd>{conference.organizer}</dd>
            </div>
          </dl>
        )}
        <p>{texts.site.waiting.lead}</p>
      </div>
      <Self attendance={attendance} />
    </section>
  )
}

function Self({ attendance }: { attendance: Attendance }) {
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

interface ControlProps extends Props {
  readonly phase: Phase
  readonly onOpen: (which: 'leave' | 'devices') => void
}

function Controls({ attendance, now, phase, onOpen }: ControlProps) {
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

function Captions({ attendance, now }: Props) {
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

/** Things that need a hand: sound that the browser holds back, a device that has gone. */
function SoundGate({ attendance }: { attendance: Attendance }) {
  const texts = t.value.site
  const { sound, gear } = attendance
  const lost = gear.lost.value
  if (!sound.blocked.value && lost === null) return null
  return (
    <div class="gate" role="alert">
      {sound.blocked.value ? (
        <>
          <p>{texts.soundBlockedHint}</p>
          <button
            type="button"
            class="button primary large"
            data-testid="sound"
            onClick={() => sound.enable()}
          >
            <Icon name="volume" />
            {texts.soundBlocked}
          </button>
        </>
      ) : null}
      {lost === null ? null : <p data-problem={lost}>{texts.deviceLost[lost]}</p>}
    </div>
  )
}

function LeaveDialog({ attendance, onClose }: { attendance: Attendance; onClose: () => void }) {
  const texts = t.value.site
  return (
    <ConfirmDialog
      title={texts.leaveTitle}
      confirm={texts.leaveConfirm}
      tone="danger"
      onClose={onClose}
      onConfirm={() => void attendance.leave()}
    >
      <p>{texts.leaveBody}</p>
    </ConfirmDialog>
  )
}
