/** The REC button, and the dialog behind it: what is recorded, and what was. */

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Failure, failureOf } from '../shared/client/problem'
import { type Rest, recordingsPath } from '../shared/client/rest'
import { duration, longDate, shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { ConfirmDialog, Dialog, ErrorText } from '../shared/ui/parts'
import type { ConferenceId, RecordingInfo, SegmentInfo, SiteCode } from '../shared/wire/types.gen'
import type { Desk } from './desk'

/** Red while it records, loud while it should and does not. */
export function RecButton({ desk, onOpen }: { desk: Desk; onOpen: () => void }) {
  const texts = t.value.recording
  const row = desk.recording.value
  const state = row === null ? 'off' : row.state
  const trouble = row === null ? null : row.problem
  const label = row === null ? texts.open : texts.states[row.state]
  const title = trouble === null ? label : `${label} – ${texts.problems[trouble]}`
  return (
    <button
      type="button"
      class="button rec"
      data-testid="rec"
      data-recording={state}
      data-problem={trouble ?? undefined}
      aria-label={`${texts.rec}: ${title}`}
      title={title}
      onClick={onOpen}
    >
      <Icon name={state === 'interrupted' || trouble !== null ? 'triangleAlert' : 'disc'} />
      {texts.rec}
      {row === null ? null : <span class="wide-only">{texts.states[row.state]}</span>}
    </button>
  )
}

interface Props {
  readonly desk: Desk
  readonly rest: Rest
  readonly conference: ConferenceId
  readonly onClose: () => void
}

export function RecordingDialog({ desk, rest, conference, onClose }: Props) {
  const texts = t.value.recording
  const row = desk.recording.value
  const chosen = useSignal<readonly SiteCode[]>(row?.sites ?? [])
  const changed = row !== null && [...row.sites].sort().join() !== [...chosen.value].sort().join()
  const phase = desk.conference.value?.phase
  const closed = phase === 'ended' || phase === 'draft'
  const toggle = (site: SiteCode): void => {
    const now = chosen.value
    chosen.value = now.includes(site) ? now.filter((one) => one !== site) : [...now, site]
  }
  return (
    <Dialog
      title={texts.title}
      wide
      onClose={onClose}
      foot={
        row === null ? (
          <button
            type="button"
            class="button danger"
            data-testid="rec-start"
            disabled={closed}
            onClick={() => desk.record(chosen.value)}
          >
            <Icon name="disc" />
            {texts.start}
          </button>
        ) : (
          <>
            {changed ? (
              <button type="button" class="button" onClick={() => desk.record(chosen.value)}>
                {texts.choose}
              </button>
            ) : null}
            <button
              type="button"
              class="button"
              data-testid="rec-stop"
              onClick={() => desk.stopRecording()}
            >
              <Icon name="square" />
              {texts.stop}
            </button>
          </>
        )
      }
    >
      <p role="status" data-testid="rec-state">
        {row === null ? texts.lead : texts.since(shortTime(row.since, t.value.locale))}
        {row === null ? '' : ` ${texts.states[row.state]}.`}
        {row?.problem ? ` ${texts.problems[row.problem]}` : ''}
      </p>
      <details class="rec-sites" open={chosen.value.length > 0}>
        <summary>{texts.sites(chosen.value.length)}</summary>
        <p class="hint">{texts.sitesHint}</p>
        <div class="rec-grid">
          {desk.seats.value.map((seat) => (
            <label key={seat.site}>
              <input
                type="checkbox"
                checked={chosen.value.includes(seat.site)}
                onChange={() => toggle(seat.site)}
              />
              {seat.site} {seat.name}
            </label>
          ))}
        </div>
      </details>
      <Recorded rest={rest} conference={conference} running={row !== null} />
    </Dialog>
  )
}

interface RecordedProps {
  readonly rest: Rest
  readonly conference: ConferenceId
  readonly running: boolean
}

/** What lies on disk; looked at again when a recording begins or ends. */
function Recorded({ rest, conference, running }: RecordedProps) {
  const texts = t.value.recording
  const list = useSignal<readonly RecordingInfo[] | null>(null)
  const failure = useSignal<Failure | null>(null)
  const doomed = useSignal<RecordingInfo | null>(null)
  const failed = (error: unknown): void => {
    failure.value = failureOf(error)
  }
  const look = (): Promise<void> =>
    rest.recordings(conference).then((found) => {
      list.value = found
    }, failed)
  useEffect(() => {
    void look()
  }, [rest, conference, running])
  const remove = async (one: RecordingInfo): Promise<void> => {
    doomed.value = null
    await rest.deleteRecording(conference, one.recording).catch(failed)
    await look()
  }
  return (
    <section class="rec-list" data-testid="recordings">
      <header>
        <h3>{texts.listTitle}</h3>
        <button type="button" class="button small" onClick={() => void look()}>
          <Icon name="refresh" />
          {texts.look}
        </button>
      </header>
      {failure.value === null ? null : <ErrorText code={failure.value} />}
      {list.value?.length === 0 ? <p class="hint">{texts.none}</p> : null}
      {(list.value ?? []).map((one) => (
        <article key={one.recording} data-recording={one.recording}>
          <b>{one.site === null ? texts.program : `${one.site} ${one.name}`}</b>
          <span>
            {texts.number(one.number)} · {longDate(one.started_at, t.value.locale)}{' '}
            {shortTime(one.started_at, t.value.locale)} · {duration(one.seconds)} ·{' '}
            {megabytes(one.octets, t.value.locale)}
          </span>
          {one.running ? (
            <span class="pill" data-tone="lost">
              {texts.running}
            </span>
          ) : (
            <button
              type="button"
              class="button small"
              data-testid="rec-delete"
              onClick={() => (doomed.value = one)}
            >
              {texts.remove}
            </button>
          )}
          <Files conference={conference} recording={one} />
        </article>
      ))}
      {doomed.value === null ? null : (
        <ConfirmDialog
          title={texts.removeTitle}
          confirm={texts.remove}
          tone="danger"
          onClose={() => (doomed.value = null)}
          onConfirm={() => doomed.value !== null && void remove(doomed.value)}
        >
          <p>{texts.removeBody}</p>
        </ConfirmDialog>
      )}
    </section>
  )
}

function Files({ conference, recording }: { conference: ConferenceId; recording: RecordingInfo }) {
  const at = `${recordingsPath(conference)}/${encodeURIComponent(recording.recording)}`
  const locale = t.value.locale
  return (
    <ul>
      {recording.segments.map((segment) => (
        <li key={segment.file}>
          <a href={`${at}/${segment.file}`} download title={note(segment)}>
            <Icon name="download" />
            {shortTime(segment.started_at, locale)} · {duration(segment.seconds)} ·{' '}
            {megabytes(segment.octets, locale)}
          </a>
          {segment.cut ? <small>{t.value.recording.cut}</small> : null}
        </li>
      ))}
    </ul>
  )
}

function note({ sha256 }: SegmentInfo): string | undefined {
  return sha256 === null ? undefined : `SHA-256 ${sha256}`
}

export function megabytes(octets: number, locale: string): string {
  const value = octets / 1e6
  return `${value.toLocaleString(locale, { maximumFractionDigits: value < 10 ? 1 : 0 })} MB`
}
