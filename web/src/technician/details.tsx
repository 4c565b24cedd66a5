import { useSignal } from '@preact/signals'
import { stillUrl } from '../shared/client/rest'
import { clockTime, shortAge } from '../shared/client/time'
import { t } from '../shared/i18n'
import { HelpCall, StandbyCall } from '../shared/ui/calls'
import { HardwareDialog } from '../shared/ui/hardware'
import { Icon } from '../shared/ui/icon'
import { HEALTH_ICONS, micOf, voiceOf } from '../shared/ui/state'
import type { ConferenceId, PageCommand } from '../shared/wire/types.gen'
import { History } from './chart'
import { age, decibels, kilobits, milliseconds, percent } from './format'
import { adviceFor, controlLost, type Judged, otherCodec } from './judge'
import type { Watch } from './watch'

/** One site: what is known, and what to do about it. */
export function Details({ watch }: { watch: Watch }) {
  const texts = t.value.technician
  const chosen = watch.chosen
  return (
    <aside class="details" data-open={chosen !== null} aria-label={texts.details}>
      {chosen === null ? (
        <p class="hint">{texts.detailsNone}</p>
      ) : (
        <Chosen watch={watch} judged={chosen} />
      )}
    </aside>
  )
}

function Chosen({ watch, judged }: { watch: Watch; judged: Judged }) {
  const texts = t.value
  const { seat, state, figures } = judged
  const words = texts.technician
  const conference = watch.conference.value?.conference ?? null
  const ask = watch.acts.value ? (command: PageCommand): void => watch.ask(command) : null
  return (
    <>
      <header>
        <div>
          <h2>
            <b>{seat.site}</b> {seat.name}
          </h2>
          <p>{seat.banner}</p>
        </div>
        <button
          type="button"
          class="button quiet square"
          aria-label={texts.common.close}
          onClick={() => {
            watch.selected.value = null
          }}
        >
          <Icon name="x" />
        </button>
      </header>
      <p class="big-state" data-tone={state} data-testid="detail-state">
        <Icon name={HEALTH_ICONS[state]} />
        {texts.health[state]}
      </p>
      {conference !== null && watch.acts.value && (figures?.picture ?? null) !== null ? (
        <img
          class="still"
          alt={words.still(seat.name)}
          src={stillUrl(conference, seat.site, watch.now.value)}
        />
      ) : null}
      {controlLost(judged) ? (
        <p class="control-lost" data-testid="control-lost">
          <Icon name="wifiOff" />
          {words.controlLost}
        </p>
      ) : null}
      <HelpCall seat={seat} ask={ask} />
      <StandbyCall seat={seat} ask={ask} />
      <section class="advice" data-testid="advice">
        <h3>{words.whatToDo}</h3>
        <ol>
          {words.advice[adviceFor(judged)].map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </section>
      {watch.acts.value && conference !== null ? (
        <History rest={watch.rest} conference={conference} site={seat.site} />
      ) : null}
      <dl class="detail-figures">
        {figures === null ? null : (
          <Row
            name={words.since}
            value={`${clockTime(figures.since, texts.locale)} (${words.ago(shortAge(watch.now.value - figures.since, texts.common.units))})`}
          />
        )}
        <Row name={words.rtt} value={milliseconds(figures?.rtt_s)} />
        <Row name={words.loss} value={percent(figures?.loss_ratio, texts.locale)} />
        <Row name={words.receiveLoss} value={percent(figures?.receive_loss_ratio, texts.locale)} />
        <Row name={words.jitter} value={milliseconds(figures?.jitter_s)} />
        <Row name={words.bitrate} value={kilobits(figures?.bitrate_bps, texts.locale)} />
        <Row name={words.controlAge} value={age(figures?.control_age_s, texts)} />
        <Row name={words.consentAge} value={age(figures?.consent_age_s, texts)} />
        <Row name={words.mediaAge} value={age(figures?.media_age_s, texts)} />
        {otherCodec(judged) === null ? null : (
          <Row
            name={words.videoCodec}
            value={words.otherCodecIs(otherCodec(judged) ?? '', watch.codec)}
          />
        )}
        <Client judged={judged} />
        {figures === null || figures.picture === null ? null : (
          <Row name={words.picture} value={words.pictures[figures.picture]} />
        )}
        {seat.region === '' ? null : <Row name={words.region} value={seat.region} />}
        <Row name={words.tally} value={texts.tally[seat.tally]} />
        <Row name={words.microphone} value={texts.mic[micOf(seat)]} />
        <Row
          name={texts.voice.heard}
          value={
            seat.heard_at === null ? texts.voice.notHeard : clockTime(seat.heard_at, texts.locale)
          }
        />
        <Row name={texts.voice.now} value={texts.voice.states[voiceOf(seat, figures)]} />
        <Row name={texts.voice.level} value={decibels(figures?.mic_level_dbov)} />
        <Row
          name={texts.voice.clipping}
          value={percent(figures?.mic_clipping_ratio, texts.locale)}
        />
      </dl>
      {watch.acts.value && conference !== null ? (
        <Hardware watch={watch} conference={conference} judged={judged} />
      ) : null}
    </>
  )
}

interface HardwareProps {
  readonly watch: Watch
  readonly conference: ConferenceId
  readonly judged: Judged
}

/** For a site that has an encoder instead of a browser. */
function Hardware({ watch, conference, judged }: HardwareProps) {
  const { site, name } = judged.seat
  const open = useSignal(false)
  return (
    <>
      <button
        type="button"
        class="button"
        data-testid="hardware-open"
        onClick={() => {
          open.value = true
        }}
      >
        <Icon name="router" />
        {t.value.links.devicesOf(name)}
      </button>
      {open.value ? (
        <HardwareDialog
          rest={watch.rest}
          conference={conference}
          site={site}
          name={name}
          onClose={() => {
            open.value = false
          }}
        />
      ) : null}
    </>
  )
}

/** What the site's own browser says. */
function Client({ judged }: { judged: Judged }) {
  const texts = t.value
  const words = texts.technician
  const { figures } = judged
  if (figures === null || figures.client_age_s === null) return null
  const frames = (value: number | null): string =>
    value === null ? '–' : String(Math.round(value))
  const device = (there: boolean | null): string =>
    there === null ? '–' : there ? words.deviceThere : words.deviceMissing
  return (
    <>
      <Row name={words.clientAge} value={age(figures.client_age_s, texts)} />
      <Row name={words.freezes} value={percent(figures.freeze_ratio, texts.locale)} />
      <Row
        name={words.frames}
        value={`${frames(figures.frames_per_s)} / ${frames(figures.sent_frames_per_s)}`}
      />
      <Row name={words.camera} value={device(figures.camera)} />
      <Row name={words.micDevice} value={device(figures.microphone)} />
      <Row name={words.micLevel} value={percent(figures.microphone_level, texts.locale)} />
    </>
  )
}

function Row({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}
