/** The REST resources that pages use. All raise `Refusal`. */

import type {
  ConferenceId,
  ConferenceSummary,
  CreateConference,
  JoinRequest,
  LinkExchange,
  Me,
  RecordingInfo,
  Seated,
  SignInRequest,
  SiteCode,
  SiteDevices,
  SiteHistory,
  SiteLink,
  Template,
} from '../wire/types.gen'
import { Refusal, refusalOfResponse } from './problem'

export type Fetch = (input: string, init?: RequestInit) => Promise<Response>

async function call<T>(
  fetch: Fetch,
  path: string,
  body?: unknown,
  method: 'GET' | 'DELETE' = 'GET',
): Promise<T> {
  const init: RequestInit =
    body === undefined
      ? { credentials: 'same-origin', method }
      : {
          method: 'POST',
          credentials: 'same-origin',
          headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
        }
  let response: Response
  try {
    response = await fetch(path, init)
  } catch {
    throw new Refusal('unreachable')
  }
  if (!response.ok) throw await refusalOfResponse(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

export class Rest {
  constructor(private readonly fetch: Fetch = (input, init) => globalThis.fetch(input, init)) {}

  signIn(request: SignInRequest): Promise<Me> {
    return call(this.fetch, '/api/sign-in', request)
  }

  signOut(): Promise<void> {
    return call(this.fetch, '/api/sign-out', {})
  }

  me(): Promise<Me> {
    return call(this.fetch, '/api/me')
  }

  templates(): Promise<Template[]> {
    return call(this.fetch, '/api/templates')
  }

  conferences(): Promise<ConferenceSummary[]> {
    return call(this.fetch, '/api/conferences')
  }

  create(request: CreateConference): Promise<ConferenceSummary> {
    return call(this.fetch, '/api/conferences', request)
  }

  links(conference: ConferenceId): Promise<SiteLink[]> {
    return call(this.fetch, linksPath(conference))
  }

  /** What a hardware encoder or player of the site needs. */
  devices(conference: ConferenceId, site: SiteCode): Promise<SiteDevices> {
    return call(this.fetch, `${linkPath(conference, site)}/devices`)
  }

  /** A new link in place of the site's old one, which is dead from then on. */
  rotateLink(conference: ConferenceId, site: SiteCode): Promise<SiteLink> {
    return call(this.fetch, `${linkPath(conference, site)}/rotate`, {})
  }

  /** No link at all for the site, until it is rotated. */
  revokeLink(conference: ConferenceId, site: SiteCode): Promise<SiteLink> {
    return call(this.fetch, `${linkPath(conference, site)}/revoke`, {})
  }

  /** Everything that was recorded, newest first. */
  recordings(conference: ConferenceId): Promise<RecordingInfo[]> {
    return call(this.fetch, recordingsPath(conference))
  }

  deleteRecording(conference: ConferenceId, recording: string): Promise<void> {
    const path = `${recordingsPath(conference)}/${encodeURIComponent(recording)}`
    return call(this.fetch, path, undefined, 'DELETE')
  }

  history(conference: ConferenceId, site: SiteCode): Promise<SiteHistory> {
    const at = `/api/conferences/${encodeURIComponent(conference)}`
    return call(this.fetch, `${at}/sites/${encodeURIComponent(site)}/history`)
  }

  join(request: JoinRequest): Promise<Seated> {
    return call(this.fetch, '/api/join', request)
  }

  exchange(conference: ConferenceId, site: SiteCode, request: LinkExchange): Promise<Seated> {
    return call(this.fetch, `${seatPath(conference, site)}exchange`, request)
  }
}

/** How often a still is fetched anew; there is a new one every 4 to 8 s. */
const STILL_S = 5

/** What a site's camera shows; the address changes as often as it should be looked at again. */
export function stillUrl(conference: ConferenceId, site: SiteCode, nowS: number): string {
  const at = `/api/conferences/${encodeURIComponent(conference)}`
  return `${at}/sites/${encodeURIComponent(site)}/still.jpg?${Math.floor(nowS / STILL_S)}`
}

/** A conference's recordings; below it each one, and its files. */
export function recordingsPath(conference: ConferenceId): string {
  return `/api/conferences/${encodeURIComponent(conference)}/recordings`
}

/** Everything about a conference's links: the list, `/sheet`, and `.csv`. */
export function linksPath(conference: ConferenceId): string {
  return `/api/conferences/${encodeURIComponent(conference)}/links`
}

export function linkPath(conference: ConferenceId, site: SiteCode): string {
  return `${linksPath(conference)}/${encodeURIComponent(site)}`
}

/** The path under which a seat's page, cookie and socket live. */
export function seatPath(conference: ConferenceId, site: SiteCode): string {
  return `/c/${encodeURIComponent(conference)}/s/${encodeURIComponent(site)}/`
}

/** The address of a socket on this page's own host. */
export function socketUrl(location: Pick<Location, 'protocol' | 'host'>, path: string): string {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}${path}`
}
