/** Waits between attempts: doubling, with jitter, so that 64 pages do not return in one instant. */

export interface BackoffOptions {
  readonly firstMs: number
  readonly mostMs: number
  readonly random: () => number
}

export class Backoff {
  private attempts = 0

  constructor(private readonly options: BackoffOptions) {}

  /** Milliseconds to wait before the next attempt: half to all of a doubling ceiling. */
  next(): number {
    const { firstMs, mostMs, random } = this.options
    const ceiling = Math.min(mostMs, firstMs * 2 ** this.attempts)
    this.attempts += 1
    return Math.max(firstMs, ceiling * (0.5 + 0.5 * random()))
  }

  reset(): void {
    this.attempts = 0
  }
}
