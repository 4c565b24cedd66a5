/** Rows and messages as signaling sends them. */

import type {
  ConferenceRow,
  Figures,
  FloorRow,
  QueueRow,
  Role,
  Row,
  SeatRow,
  SiteCode,
  SiteDevices,
  SiteFigures,
  Snapshot,
  StageRow,
} from '../src/shared/wire/types.gen'

export function conferenceRow(changes: Partial<ConferenceRow> = {}): ConferenceRow {
  return {
    row: 'conference',
    conference: 'c1',
    title: 'Hội nghị thử',
    title_en: 'Test conference',
    organizer: 'Bộ Khoa học và Công nghệ',
    phase: 'live',
    starts_at: 1_590_714_000,
    started_at: 1_590_714_000,
    ended_at: null,
    central: '00',
    program: { layout: 'single', seats: ['00'], slides: null },
    preview: null,
    reopen_until: null,
    ...changes,
  }
}

export function seatRow(site: SiteCode, changes: Partial<SeatRow> = {}): SeatRow {
  return {
    row: 'seat',
    site,
    name: `Tỉnh ${site}`,
    full_name: `tỉnh số ${site}`,
    banner: `Sở Khoa học và Công nghệ tỉnh ${site}`,
    region: 'Đồng bằng sông Hồng',
    order: Number(site),
    lat: null,
    lon: null,
    central: site === '00',
    present: true,
    muted_by_operator: site !== '00',
    muted_by_site: false,
    tally: 'listening',
    floor: false,
    hand_since: null,
    position: null,
    help_since: null,
    standby: false,
    spoken_s: 0,
    sharing: false,
    heard_at: null,
    ...changes,
  }
}

export function stageRow(...sites: SiteCode[]): StageRow {
  return {
    row: 'stage',
    layout: sites.length > 1 ? 'grid' : 'single',
    seats: sites.map((site) => ({ site, name: `Tỉnh ${site}` })),
    slides: null,
  }
}

/** With the slides of the first of these sites, all beside them. */
export function slidesRow(...sites: SiteCode[]): StageRow {
  const row = stageRow(...sites)
  return { ...row, slides: row.seats[0] ?? null }
}

export function floorRow(...sites: SiteCode[]): FloorRow {
  return {
    row: 'floor',
    seats: sites.map((site) => ({ site, name: `Tỉnh ${site}` })),
    speaker: null,
    speaking_since: null,
  }
}

export function queueRow(sites: readonly SiteCode[], next: SiteCode | null = null): QueueRow {
  const named = (site: SiteCode) => ({ site, name: `Tỉnh ${site}` })
  return { row: 'queue', seats: sites.map(named), next: next === null ? null : named(next) }
}

export function rowsOf(conference: ConferenceRow, seats: readonly SeatRow[]): Record<string, Row> {
  const rows: Record<string, Row> = {
    conference,
    stage: stageRow(...conference.program.seats),
    floor: floorRow(),
  }
  for (const seat of seats) rows[`seat/${seat.site}`] = seat
  return rows
}

export function snapshot(
  rows: Record<string, Row>,
  changes: Partial<Snapshot> & { role?: Role } = {},
): Snapshot {
  return {
    type: 'snapshot',
    seq: 7,
    role: 'operator',
    site: null,
    name: 'operator',
    port: 'op/1',
    doors: { whip: '/whip', whep: '/whep', token: 'door-token', ice_servers: [], codec: 'VP8' },
    rows,
    standby: false,
    ...changes,
  }
}

export function siteFigures(changes: Partial<SiteFigures> = {}): SiteFigures {
  return {
    state: 'good',
    since: 1_590_714_000,
    control_age_s: 0.5,
    consent_age_s: 0.5,
    media_age_s: 0.1,
    rtt_s: 0.03,
    loss_ratio: 0,
    jitter_s: 0.004,
    bitrate_bps: 540_000,
    receive_loss_ratio: 0,
    control: 'good',
    quality: 1,
    client_age_s: 2,
    freeze_ratio: 0,
    frames_per_s: 15,
    sent_frames_per_s: 15,
    camera: true,
    microphone: true,
    microphone_level: 0.1,
    mic_level_dbov: -60,
    mic_heard: false,
    mic_clipping_ratio: 0,
    floor_position: null,
    picture: 'ok',
    other_codec: null,
    ...changes,
  }
}

export function figures(sites: Record<SiteCode, SiteFigures>): Figures {
  return {
    type: 'figures',
    at: 1_590_714_010,
    nodes: { 'node-1': 0.5 },
    sites,
    suspects: [],
    mixes: null,
  }
}

/** What the hardware of site 48 needs. */
export function siteDevices(): SiteDevices {
  return {
    site: '48',
    name: 'Đà Nẵng',
    whip: 'https://h/whip',
    publish_token: 'eyJ.publish',
    whep: 'https://h/whep',
    play_token: 'eyJ.play',
    codec: 'H264',
    expires_at: 1_590_800_000,
  }
}
