/** The meeting room: the program, the tally, what a site can do. */

import { type Signal, useSignal } from '@preact/signals'
import { clockTime, longDate, shortTime } from '../shared/client/time'
import { language, t } from '../shared/i18n'
import { FLOOR_SLOTS } from '../shared/media/slots'
import { Icon } from '../shared/ui/icon'
import { SlotAudio, SlotPicture } from '../shared/ui/media'
import {
  Brand,
  ConfirmDialog,
  ConnectionBadge,
  LanguageSwitch,
  PhasePill,
} from '../shared/ui/parts'
import { RecordedPill } from '../shared/ui/recorded'
import { carriesMedia } from '../shared/ui/state'
import type { Phase, Tally } from '../shared/wire/types.gen'
import type { Attendance } from './attendance'
import { Controls, Self } from './controls'
import { DevicesDialog } from './devices'
import { ShareProblem } from './share'

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
      {FLOOR_SLOTS.map((slot) => (
        <SlotAudio
          key={slot}
          slot={slot}
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
