import { type Signal, signal } from '@preact/signals'

/** This machine's time in Unix seconds, moving once a second. */
export function startClock(): { now: Signal<number>; stop: () => void } {
  const now = signal(Date.now() / 1000)
  const timer = setInterval(() => {
    now.value = Date.now() / 1000
  }, 1000)
  return { now, stop: () => clearInterval(timer) }
}
