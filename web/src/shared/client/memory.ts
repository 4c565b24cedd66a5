/** What this browser remembers of a seat between two loads of its page. */

import { type Choice, DEFAULT_CHOICE } from '../media/devices'
import type { ConferenceId, SiteCode } from '../wire/types.gen'

export interface SeatMemory {
  /** The page was in the conference when it was last open, and nobody has left it on purpose. */
  readonly joined: boolean
  readonly choice: Choice
}

const NOTHING: SeatMemory = { joined: false, choice: DEFAULT_CHOICE }

type Store = Pick<Storage, 'getItem' | 'setItem'>

export class Memory {
  private readonly key: string

  constructor(
    conference: ConferenceId,
    site: SiteCode,
    private readonly store: Store | null = storage(),
  ) {
    this.key = `diemcau.seat.${conference}.${site}`
  }

  read(): SeatMemory {
    try {
      const stored: unknown = JSON.parse(this.store?.getItem(this.key) ?? 'null')
      return isMemory(stored) ? stored : NOTHING
    } catch {
      return NOTHING
    }
  }

  write(memory: SeatMemory): void {
    try {
      this.store?.setItem(this.key, JSON.stringify(memory))
    } catch {
      // a full or forbidden storage costs one tap after a reload
    }
  }
}

function storage(): Store | null {
  try {
    return globalThis.localStorage
  } catch {
    return null
  }
}

function isMemory(value: unknown): value is SeatMemory {
  if (typeof value !== 'object' || value === null) return false
  const { joined, choice } = value as Partial<SeatMemory>
  return (
    typeof joined === 'boolean' &&
    typeof choice?.camera === 'string' &&
    typeof choice.microphone === 'string'
  )
}
