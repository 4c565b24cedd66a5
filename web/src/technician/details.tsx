import { clockTime, shortAge } from '../shared/client/time'
import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { HEALTH_ICONS, micOf } from '../shared/ui/state'
import { age, kilobits, milliseconds, percent } from './format'
import { adviceFor, type Judged } from './judge'
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
      <section class="advice" data-testid="advice">
        <h3>{words.whatToDo}</h3>
        <ol>
          {words.advice[adviceFor(judged)].map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
      </section>
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
        {seat.region === '' ? null : <Row name={words.region} value={seat.region} />}
        <Row name={words.tally} value={texts.tally[seat.tally]} />
        <Row name={words.microphone} value={texts.mic[micOf(seat)]} />
      </dl>
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
