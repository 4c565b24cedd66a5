import { type Signal, signal } from '@preact/signals'
import { type Failure, failureOf } from '../client/problem'
import { t } from '../i18n'
import { Icon } from './icon'

interface Notice {
  readonly id: number
  readonly code: Failure
}

const SHOWN_MS = 8_000

/** Refused commands, told to the person who gave them. */
export class Notices {
  readonly list: Signal<readonly Notice[]> = signal([])
  private last = 0

  refused(error: unknown): void {
    const code = failureOf(error)
    this.last += 1
    const id = this.last
    this.list.value = [...this.list.value.slice(-3), { id, code }]
    setTimeout(() => this.dismiss(id), SHOWN_MS)
  }

  dismiss(id: number): void {
    this.list.value = this.list.value.filter((notice) => notice.id !== id)
  }
}

export function NoticeList({ notices }: { notices: Notices }) {
  const texts = t.value
  return (
    <div class="notices" role="alert">
      {notices.list.value.map(({ id, code }) => (
        <div class="notice" key={id} data-error={code}>
          <p>
            <b>{texts.operator.failed}</b>
            {texts.errors[code]}
          </p>
          <button
            type="button"
            class="button quiet square"
            aria-label={texts.operator.dismiss}
            onClick={() => notices.dismiss(id)}
          >
            <Icon name="x" />
          </button>
        </div>
      ))}
    </div>
  )
}
