/** Tells a site's page that this tab has just been let in by a typed code. */

import type { ConferenceId, Seated, SiteCode } from '../wire/types.gen'

type Store = Pick<Storage, 'getItem' | 'setItem'>

export class Arrival {
  private readonly key: string

  constructor(
    conference: ConferenceId,
    site: SiteCode,
    private readonly store: Store | null = storage(),
  ) {
    this.key = `diemcau.seated.${conference}.${site}`
  }

  announce(seated: Seated): void {
    try {
      this.store?.setItem(this.key, JSON.stringify(seated))
    } catch {
      // the page then asks for the link
    }
  }

  /** What was announced in this tab; null if nothing was. */
  read(): Seated | null {
    try {
      const stored: unknown = JSON.parse(this.store?.getItem(this.key) ?? 'null')
      return isSeated(stored) ? stored : null
    } catch {
      return null
    }
  }
}

function storage(): Store | null {
  try {
    return globalThis.sessionStorage
  } catch {
    return null
  }
}

function isSeated(value: unknown): value is Seated {
  if (typeof value !== 'object' || value === null) return false
  const { conference, title, site, name, banner } = value as Partial<Seated>
  return [conference, title, site, name, banner].every((text) => typeof text === 'string')
}
