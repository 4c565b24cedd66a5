/** What a site page's own address says. */

import type { ConferenceId, SiteCode } from '../shared/wire/types.gen'

export interface SeatAddress {
  readonly conference: ConferenceId
  readonly site: SiteCode
  /** The link's token; null when the part after # is missing. */
  readonly token: string | null
}

/** Reads `/c/{conference}/s/{code}/#t={token}`; null if it is another address. */
export function readAddress(location: Pick<Location, 'pathname' | 'hash'>): SeatAddress | null {
  const parts = /^\/c\/([^/]+)\/s\/([^/]+)\/?$/.exec(location.pathname)
  if (parts?.[1] === undefined || parts[2] === undefined) return null
  const token = new URLSearchParams(location.hash.replace(/^#/, '')).get('t')
  return {
    conference: decodeURIComponent(parts[1]),
    site: decodeURIComponent(parts[2]),
    token: token === '' ? null : token,
  }
}
