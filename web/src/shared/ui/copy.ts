import { type ReadonlySignal, useSignal } from '@preact/signals'
import { copyText } from '../client/clipboard'

interface Copying {
  /** What was copied last; null at first, and when the browser would not. */
  readonly copied: ReadonlySignal<string | null>
  readonly failed: ReadonlySignal<boolean>
  /** Copy a text, remembered as `what`. */
  readonly copy: (text: string, what?: string) => void
}

/** Buttons that copy, and which of them has. */
export function useCopy(): Copying {
  const copied = useSignal<string | null>(null)
  const failed = useSignal(false)
  const copy = (text: string, what = text): void => {
    void copyText(text).then((done) => {
      failed.value = !done
      copied.value = done ? what : null
    })
  }
  return { copied, failed, copy }
}
