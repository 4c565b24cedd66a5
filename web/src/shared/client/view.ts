/**
 * A page's copy of the conference, as a pure fold over what signaling sends.
 *
 * Rows are replaced whole, so a row that did not change keeps its identity.
 */

import type {
  ConferenceRow,
  Doors,
  Figures,
  FloorRow,
  Patch,
  Port,
  QueueRow,
  RecordingRow,
  Role,
  Row,
  SeatRow,
  SiteCode,
  Snapshot,
  StageRow,
} from '../wire/types.gen'

/** What a page knows: who it is, its doors and the rows that it may see. */
export interface View {
  readonly seq: number
  readonly role: Role
  readonly site: SiteCode | null
  readonly name: string
  readonly port: Port
  readonly doors: Doors
  readonly rows: Readonly<Record<string, Row>>
  /** A further device that waits beside the one that holds the seat. */
  readonly standby: boolean
}

/** Figures and when this page received them, in milliseconds of its own clock. */
export interface Received {
  readonly figures: Figures
  readonly receivedAt: number
}

export function fromSnapshot(snapshot: Snapshot): View {
  const { seq, role, site, name, port, doors, rows, standby } = snapshot
  return { seq, role, site, name, port, doors, rows, standby }
}

/** The view after a patch, or null when a patch before this one is missing: reconnect then. */
export function patched(view: View, patch: Patch): View | null {
  if (patch.seq <= view.seq) return view
  if (patch.seq !== view.seq + 1) return null
  const rows = { ...view.rows, ...patch.put }
  for (const key of patch.drop) delete rows[key]
  return { ...view, seq: patch.seq, rows }
}

export function conferenceOf(view: View | null): ConferenceRow | null {
  const row = view?.rows.conference
  return row?.row === 'conference' ? row : null
}

export function seatOf(view: View | null, site: SiteCode | null): SeatRow | null {
  const row = site === null ? undefined : view?.rows[`seat/${site}`]
  return row?.row === 'seat' ? row : null
}

/** All seats that this page may see, in protocol order. */
export function seatsOf(view: View | null): SeatRow[] {
  const seats = Object.values(view?.rows ?? {}).filter((row): row is SeatRow => row.row === 'seat')
  return seats.sort((a, b) => a.order - b.order || a.site.localeCompare(b.site))
}

export function stageOf(view: View | null): StageRow {
  const row = view?.rows.stage
  return row?.row === 'stage' ? row : { row: 'stage', layout: 'single', seats: [], slides: null }
}

export function floorOf(view: View | null): FloorRow {
  const row = view?.rows.floor
  return row?.row === 'floor'
    ? row
    : { row: 'floor', seats: [], speaker: null, speaking_since: null }
}

/** What is being recorded; null while nothing is. */
export function recordingOf(view: View | null): RecordingRow | null {
  const row = view?.rows.recording
  return row?.row === 'recording' ? row : null
}

export function queueOf(view: View | null): QueueRow {
  const row = view?.rows.queue
  return row?.row === 'queue' ? row : { row: 'queue', seats: [], next: null }
}
