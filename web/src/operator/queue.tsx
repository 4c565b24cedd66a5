import type { Signal } from '@preact/signals'
import { runningTime, shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { Icon, type IconName } from '../shared/ui/icon'
import type { Named } from '../shared/wire/types.gen'
import type { Desk } from './desk'

interface Props {
  readonly desk: Desk
  readonly now: Signal<number>
}

/** Who speaks, who comes next, and who asks to speak, in the server's order. */
export function Queue({ desk, now }: Props) {
  const texts = t.value.queue
  const { seats } = desk.queue.value
  return (
    <section class="panel queue" data-testid="queue" aria-label={texts.title}>
      <Speaker desk={desk} now={now} />
      <header>
        <h2>
          {texts.title} <span class="count">{seats.length}</span>
        </h2>
        {seats.length === 0 ? null : (
          <button
            type="button"
            class="button small"
            data-testid="lower-all"
            onClick={() => desk.ask({ type: 'lower_all_hands' })}
          >
            {texts.lowerAll}
          </button>
        )}
      </header>
      {seats.length === 0 ? <p class="hint">{texts.empty}</p> : null}
      <ol>
        {seats.map((seat, index) => (
          <Row key={seat.site} desk={desk} now={now} seat={seat} index={index} />
        ))}
      </ol>
    </section>
  )
}

function Speaker({ desk, now }: Props) {
  const texts = t.value.queue
  const { speaker, speaking_since: since } = desk.floor.value
  if (speaker === null) return null
  return (
    <div class="speaker" data-testid="speaker" data-site={speaker.site}>
      <p>
        <Icon name="messageSquare" />
        <span class="visually-hidden">{texts.speaks}: </span>
        <b>{speaker.site}</b> <span class="name">{speaker.name}</span>
        <time title={texts.speaks}>{since === null ? '' : runningTime(now.value - since)}</time>
      </p>
      <div class="speaker-buttons">
        <button
          type="button"
          class="button small"
          data-testid="end-floor"
          onClick={() => desk.ask({ type: 'end_floor' })}
        >
          {texts.end}
        </button>
        <button
          type="button"
          class="button small"
          data-testid="take-back-floor"
          title={texts.takeBackHint}
          onClick={() => desk.ask({ type: 'take_back_floor' })}
        >
          <Icon name="undo" />
          {texts.takeBack}
        </button>
      </div>
    </div>
  )
}

interface RowProps extends Props {
  readonly seat: Named
  readonly index: number
}

function Row({ desk, now, seat, index }: RowProps) {
  const texts = t.value.queue
  const { site, name } = seat
  const since = desk.seat(site)?.hand_since ?? null
  const last = index === desk.queue.value.seats.length - 1
  const next = desk.queue.value.next?.site === site
  const waits = since === null ? '' : runningTime(now.value - since)
  return (
    <li class="queue-row" data-testid="queue-row" data-queued={site} data-next={next}>
      <span class="position">{index + 1}</span>
      <button
        type="button"
        class="queue-name"
        title={since === null ? '' : texts.since(shortTime(since, t.value.locale))}
        onClick={() => desk.preview(site)}
      >
        <b>{site}</b> {name}
      </button>
      <time>{waits}</time>
      <button
        type="button"
        class="button small go"
        data-testid="give-floor"
        aria-label={texts.give(name)}
        title={texts.give(name)}
        onClick={() => desk.ask({ type: 'give_floor', site })}
      >
        {texts.giveShort}
      </button>
      <Small
        name="mark-next"
        icon="ear"
        label={next ? texts.unmarkNext(name) : texts.markNext(name)}
        pressed={next}
        onClick={() => desk.markNext(site)}
      />
      <Small
        name="up"
        icon="arrowUp"
        label={texts.up(name)}
        disabled={index === 0}
        onClick={() => desk.moveInQueue(site, -1)}
      />
      <Small
        name="down"
        icon="arrowDown"
        label={texts.down(name)}
        disabled={last}
        onClick={() => desk.moveInQueue(site, 1)}
      />
      <Small
        name="lower"
        icon="x"
        label={texts.lower(name)}
        onClick={() => desk.ask({ type: 'lower_hand', site })}
      />
    </li>
  )
}

interface SmallProps {
  readonly name: string
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
  readonly disabled?: boolean
  readonly pressed?: boolean
}

function Small({ name, icon, label, onClick, disabled = false, pressed }: SmallProps) {
  return (
    <button
      type="button"
      class="tiny"
      data-testid={name}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  )
}
