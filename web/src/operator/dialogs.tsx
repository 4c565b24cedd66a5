import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Failure, failureOf } from '../shared/client/problem'
import type { Rest } from '../shared/client/rest'
import { shortTime } from '../shared/client/time'
import { language, t } from '../shared/i18n'
import { ConfirmDialog, Dialog, ErrorText } from '../shared/ui/parts'
import type {
  ConferenceId,
  ConferenceSummary,
  ProgramCodec,
  Template,
} from '../shared/wire/types.gen'
import type { Desk } from './desk'

interface DeskDialog {
  readonly desk: Desk
  readonly onClose: () => void
}

export function StartDialog({ desk, onClose }: DeskDialog) {
  const texts = t.value.operator
  const seats = desk.seats.value
  const missing = seats.filter((seat) => !seat.present)
  const unheard = seats.filter((seat) => seat.present && seat.heard_at === null)
  return (
    <ConfirmDialog
      title={texts.startTitle}
      confirm={texts.startConfirm}
      tone="go"
      onClose={onClose}
      onConfirm={() => {
        desk.change('start')
        onClose()
      }}
    >
      <p>{texts.startBody(seats.length - missing.length, seats.length)}</p>
      {missing.length === 0 ? null : (
        <details>
          <summary>{texts.startMissing(missing.length)}</summary>
          <p>{missing.map((seat) => `${seat.site} ${seat.name}`).join(' · ')}</p>
        </details>
      )}
      {unheard.length === 0 ? null : (
        <details data-testid="unheard">
          <summary>{texts.startUnheard(unheard.length)}</summary>
          <p>{unheard.map((seat) => `${seat.site} ${seat.name}`).join(' · ')}</p>
        </details>
      )}
    </ConfirmDialog>
  )
}

export function EndDialog({ desk, onClose }: DeskDialog) {
  const texts = t.value.operator
  return (
    <ConfirmDialog
      title={texts.endTitle}
      confirm={texts.endConfirm}
      tone="danger"
      onClose={onClose}
      onConfirm={() => {
        desk.change('end')
        onClose()
      }}
    >
      <p>{texts.endBody}</p>
    </ConfirmDialog>
  )
}

export function KeysDialog({ onClose }: { onClose: () => void }) {
  const texts = t.value.operator
  return (
    <Dialog title={texts.keysTitle} onClose={onClose}>
      <dl class="keys">
        {texts.keyRows.map(([keys, meaning]) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  )
}

interface CreateProps {
  readonly rest: Rest
  readonly onCreated: (conference: ConferenceId) => void
}

/** The form that makes a conference out of a template. */
export function CreateForm({ rest, onCreated }: CreateProps) {
  const texts = t.value.operator
  const templates = useSignal<Template[]>([])
  const chosen = useSignal('')
  const title = useSignal('')
  const codec = useSignal<ProgramCodec | null>(null)
  const offered = templates.value.find(({ template }) => template === chosen.value)?.codec ?? 'VP8'
  const busy = useSignal(false)
  const failure = useSignal<Failure | null>(null)
  const failed = (error: unknown): void => {
    failure.value = failureOf(error)
  }
  useEffect(() => {
    rest.templates().then((list) => {
      templates.value = list
      chosen.value = list[0]?.template ?? ''
    }, failed)
  }, [rest])
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    busy.value = true
    failure.value = null
    try {
      const own = title.value.trim()
      const made = await rest.create({
        template: chosen.value,
        title: own === '' ? null : own,
        codec: codec.value,
      })
      onCreated(made.conference)
    } catch (error) {
      failed(error)
    }
    busy.value = false
  }
  return (
    <form class="create" onSubmit={(event) => void submit(event)}>
      {failure.value === null ? null : <ErrorText code={failure.value} />}
      <fieldset class="templates">
        <legend>{texts.createTemplate}</legend>
        {templates.value.map((template) => (
          <label key={template.template}>
            <input
              type="radio"
              name="template"
              checked={chosen.value === template.template}
              onChange={() => {
                chosen.value = template.template
              }}
            />
            <span>
              {language.value === 'en' ? template.title_en : template.title}
              <small>{t.value.common.sites(template.sites)}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <label class="stacked">
        {texts.createName}
        <input
          class="field"
          maxLength={300}
          data-testid="title"
          placeholder={texts.createNameHint}
          value={title.value}
          onInput={(event) => {
            title.value = event.currentTarget.value
          }}
        />
      </label>
      <label class="stacked">
        {texts.createCodec}
        <select
          class="field"
          data-testid="codec"
          value={codec.value ?? offered}
          onChange={(event) => {
            codec.value = event.currentTarget.value === 'H264' ? 'H264' : 'VP8'
          }}
        >
          <option value="VP8">{texts.createCodecVp8}</option>
          <option value="H264">{texts.createCodecH264}</option>
        </select>
      </label>
      <button
        type="submit"
        class="button primary"
        data-testid="create-submit"
        disabled={busy.value || chosen.value === ''}
      >
        {busy.value ? texts.creating : texts.createSubmit}
      </button>
    </form>
  )
}

export function CreateDialog(props: CreateProps & { onClose: () => void }) {
  return (
    <Dialog title={t.value.operator.createTitle} onClose={props.onClose}>
      <CreateForm rest={props.rest} onCreated={props.onCreated} />
    </Dialog>
  )
}

/** A conference as one line of the picker. */
export function summaryText(summary: ConferenceSummary): string {
  const title = language.value === 'en' ? summary.title_en || summary.title : summary.title
  const time = shortTime(summary.starts_at, t.value.locale)
  return `${title} · ${time} · ${t.value.phases[summary.phase]}`
}
