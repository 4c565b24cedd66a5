/** The operator's console. */

import { type Signal, useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Rest } from '../shared/client/rest'
import { clockTime, duration, shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { FLOOR_SLOTS } from '../shared/media/slots'
import { Icon } from '../shared/ui/icon'
import { SlotAudio } from '../shared/ui/media'
import { NoticeList } from '../shared/ui/notices'
import {
  Brand,
  ConnectionBadge,
  LanguageSwitch,
  MixPill,
  PhasePill,
  useTitle,
} from '../shared/ui/parts'
import { StaffRefused } from '../shared/ui/refused'
import type { ConferenceId, ConferenceSummary } from '../shared/wire/types.gen'
import type { Desk } from './desk'
import { CreateDialog, EndDialog, KeysDialog, StartDialog, summaryText } from './dialogs'
import { bindKeys } from './keys'
import { LinksDialog } from './links'
import { Monitor } from './monitor'
import { PhaseButtons } from './phases'
import { RecButton, RecordingDialog } from './recording'
import { Selected } from './selected'
import { Side } from './side'
import { Wall } from './wall'

type Open = 'start' | 'end' | 'links' | 'create' | 'keys' | 'recording' | null

interface Props {
  readonly desk: Desk
  readonly rest: Rest
  readonly now: Signal<number>
  readonly conferences: readonly ConferenceSummary[]
  readonly current: ConferenceId
  readonly go: (conference: ConferenceId) => void
}

export function OperatorPage(props: Props) {
  const { desk, rest, current, go } = props
  const open = useSignal<Open>(null)
  const columns = useRef(13)
  const close = (): void => {
    open.value = null
  }
  useTitle(`${desk.conference.value?.title ?? ''} · ${t.value.operator.title}`)
  useEffect(() => bindKeys(window, desk, () => columns.current), [desk])
  const streams = desk.receiver.value?.streams.value ?? new Map()
  const connection = desk.socket.connection.value
  if (connection.kind === 'refused') {
    return <StaffRefused code={connection.code} />
  }
  return (
    <div class="desk" data-phase={desk.conference.value?.phase}>
      <Header {...props} onOpen={(which) => (open.value = which)} />
      <main>
        <div class="stage-row">
          <Monitor desk={desk} kind="preview" streams={streams} />
          <TakeColumn desk={desk} />
          <Monitor desk={desk} kind="program" streams={streams} />
          <Side desk={desk} now={props.now} />
        </div>
        <Selected desk={desk} now={props.now} />
        <Wall
          desk={desk}
          onColumns={(n) => {
            columns.current = n
          }}
        />
      </main>
      {FLOOR_SLOTS.map((slot) => (
        <SlotAudio key={slot} slot={slot} streams={streams} sound={desk.sound} />
      ))}
      <SlotAudio slot="cue:1" streams={streams} sound={desk.cueSound} />
      <NoticeList notices={desk.notices} />
      {open.value === 'start' ? <StartDialog desk={desk} onClose={close} /> : null}
      {open.value === 'end' ? <EndDialog desk={desk} onClose={close} /> : null}
      {open.value === 'keys' ? <KeysDialog onClose={close} /> : null}
      {open.value === 'links' ? (
        <LinksDialog rest={rest} conference={current} onClose={close} />
      ) : null}
      {open.value === 'recording' ? (
        <RecordingDialog desk={desk} rest={rest} conference={current} onClose={close} />
      ) : null}
      {open.value === 'create' ? <CreateDialog rest={rest} onCreated={go} onClose={close} /> : null}
    </div>
  )
}

function Header(props: Props & { onOpen: (which: Open) => void }) {
  const { desk, now, conferences, current, go, onOpen } = props
  const texts = t.value.operator
  const conference = desk.conference.value
  const phase = conference?.phase ?? 'scheduled'
  return (
    <header class="desk-head">
      <Brand compact />
      <h1 class="visually-hidden">{conference?.title ?? texts.title}</h1>
      <select
        class="field picker"
        aria-label={texts.conference}
        data-testid="conference"
        value={current}
        onChange={(event) => go(event.currentTarget.value)}
      >
        {conferences.map((summary) => (
          <option key={summary.conference} value={summary.conference}>
            {summaryText(summary)}
          </option>
        ))}
      </select>
      <button
        type="button"
        class="button quiet square"
        aria-label={texts.create}
        title={texts.create}
        data-testid="create"
        onClick={() => onOpen('create')}
      >
        <Icon name="plus" />
      </button>
      <PhasePill phase={phase} />
      <Times desk={desk} now={now} />
      <ConnectionBadge connection={desk.socket.connection.value} now={now.value} />
      <MediaBadge desk={desk} />
      <MixPill mixes={desk.socket.received.value?.figures.mixes ?? null} />
      <span class="spacer" />
      <RecButton desk={desk} onOpen={() => onOpen('recording')} />
      <SoundButton desk={desk} />
      <button
        type="button"
        class="button quiet"
        data-testid="links-open"
        onClick={() => onOpen('links')}
      >
        <Icon name="link" />
        {texts.links}
      </button>
      <button
        type="button"
        class="button quiet square"
        aria-label={texts.keys}
        title={texts.keys}
        onClick={() => onOpen('keys')}
      >
        <Icon name="keyboard" />
      </button>
      <PhaseButtons desk={desk} phase={phase} now={now.value} onOpen={onOpen} />
      <LanguageSwitch />
    </header>
  )
}

function Times({ desk, now }: { desk: Desk; now: Signal<number> }) {
  const texts = t.value
  const conference = desk.conference.value
  const started = conference?.started_at ?? null
  const ended = conference?.ended_at ?? null
  return (
    <span class="times">
      <time title={texts.operator.clock}>{clockTime(now.value, texts.locale)}</time>
      {started === null ? null : (
        <span class="elapsed">
          {texts.operator.elapsed} <b>{duration((ended ?? now.value) - started)}</b>
        </span>
      )}
      {ended === null ? null : (
        <span>{texts.operator.endedAt(shortTime(ended, texts.locale))}</span>
      )}
    </span>
  )
}

function MediaBadge({ desk }: { desk: Desk }) {
  const state = desk.receiver.value?.session.state.value.kind ?? 'idle'
  const texts = t.value.media
  const paused = desk.socket.paused.value.size
  if (state === 'connected' && paused > 0) {
    return (
      <span class="pill" data-receive={state} data-tone="fair" title={texts.pausedHint(paused)}>
        <Icon name="circlePause" />
        <span class="ellipsis">{texts.slowLine(paused)}</span>
      </span>
    )
  }
  if (state === 'connected' || state === 'idle') return <span data-receive={state} hidden />
  return (
    <span
      class="pill"
      data-receive={state}
      data-tone={state === 'retrying' ? 'lost' : 'connecting'}
      title={state === 'retrying' ? texts.retrying : texts.connecting}
    >
      <Icon name={state === 'retrying' ? 'wifiOff' : 'loader'} />
      <span class="ellipsis">{state === 'retrying' ? texts.retrying : texts.connecting}</span>
    </span>
  )
}

function SoundButton({ desk }: { desk: Desk }) {
  const texts = t.value.operator
  const { sound } = desk
  const blocked = sound.blocked.value && sound.enabled.value
  const on = sound.enabled.value && !blocked
  const label = blocked ? texts.soundBlocked : on ? texts.soundOff : texts.soundOn
  return (
    <button
      type="button"
      class={blocked ? 'button primary' : 'button quiet'}
      data-testid="sound"
      aria-pressed={on}
      aria-label={label}
      title={label}
      onClick={() => (on ? sound.disable() : sound.enable())}
    >
      <Icon name={on ? 'volume' : 'volumeOff'} />
      <span class={blocked ? '' : 'wide-only'}>{label}</span>
    </button>
  )
}

function TakeColumn({ desk }: { desk: Desk }) {
  const texts = t.value.operator
  const blocked = useComputed(() => desk.takeBlocked())
  return (
    <div class="take-column">
      <button
        type="button"
        class="take"
        data-testid="take"
        disabled={blocked.value !== null}
        aria-describedby="take-hint"
        onClick={() => desk.take()}
      >
        <Icon name="radio" />
        {texts.take}
        <kbd>{texts.takeHint}</kbd>
      </button>
      <p id="take-hint" class="hint">
        {blocked.value === null ? '' : texts[blocked.value]}
      </p>
    </div>
  )
}
