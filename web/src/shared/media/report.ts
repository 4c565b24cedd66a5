/** A page's own WebRTC statistics, as the protocol's `Report` takes them (W3C webrtc-stats). */

import type { Report } from '../wire/types.gen'

/** The part that statistics tell; cameras and levels are added by whoever holds them. */
export type Measured = Pick<
  Report,
  'rtt_s' | 'receive_loss_ratio' | 'freeze_s' | 'frames_per_s' | 'sent_frames_per_s' | 'sent_bps'
>

/** The fields that are read here; browsers leave out what they do not know. */
export interface Stat {
  readonly id: string
  readonly type: string
  readonly kind?: string
  readonly state?: string
  readonly nominated?: boolean
  readonly currentRoundTripTime?: number
  readonly packetsReceived?: number
  readonly packetsLost?: number
  readonly framesDecoded?: number
  readonly framesEncoded?: number
  readonly totalFreezesDuration?: number
  readonly bytesSent?: number
  readonly trackIdentifier?: string
  readonly mediaSourceId?: string
}

interface Sample {
  readonly atMs: number
  readonly stats: ReadonlyMap<string, Stat>
  readonly shown: ReadonlySet<string>
  /** Senders' ids of what is not the camera's: the slides'. */
  readonly slides: ReadonlySet<string>
}

/** As `signaling.wire.pages` limits them. */
const MOST_S = 60
const MOST_FRAMES = 240
const MOST_BPS = 1e9

export interface Source {
  readonly peers: readonly Pick<RTCPeerConnection, 'getStats'>[]
  /** Track ids of the pictures that are on the screen. */
  readonly shown: readonly string[]
  /** Track id of the slides that are sent. */
  readonly slides?: string | undefined
  readonly atMs: number
}

/** Turns counters into what happened between two reports. */
export class ReportMaker {
  private before: Sample | null = null

  async make({ peers, shown, slides, atMs }: Source): Promise<Measured> {
    const stats = new Map<string, Stat>()
    const ofSlides = new Set<string>()
    for (const [index, peer] of peers.entries()) {
      const reports: Stat[] = [...(await peer.getStats().catch(() => [])).values()]
      const sources = new Set(
        reports.flatMap((stat) =>
          stat.type === 'media-source' && stat.trackIdentifier === slides ? [stat.id] : [],
        ),
      )
      // ids are a connection's own
      for (const stat of reports) {
        stats.set(`${index} ${stat.id}`, stat)
        if (sources.has(stat.mediaSourceId ?? '')) ofSlides.add(`${index} ${stat.id}`)
      }
    }
    const sample = { atMs, stats, shown: new Set(shown), slides: ofSlides }
    const made = measure(this.before, sample)
    this.before = sample
    return made
  }
}

/** What two samples say, each figure within its range; null where they say nothing. */
export function measure(before: Sample | null, now: Sample): Measured {
  const all = [...now.stats.values()]
  const rtts = all.flatMap((stat) =>
    stat.type === 'candidate-pair' && stat.state === 'succeeded' && stat.nominated !== false
      ? [stat.currentRoundTripTime ?? Number.NaN]
      : [],
  )
  const known = rtts.filter(Number.isFinite)
  const rtt_s = known.length === 0 ? null : within(Math.max(...known), MOST_S)
  const spanS = before === null ? 0 : (now.atMs - before.atMs) / 1000
  if (before === null || spanS <= 0) return { rtt_s }

  type Of = (stat: Stat, id: string) => boolean
  const grown = (type: string, field: Counter, of: Of): number[] =>
    [...now.stats].flatMap(([id, stat]) => {
      const value = stat[field]
      const old = before.stats.get(id)?.[field]
      if (stat.type !== type || !of(stat, id) || value === undefined || old === undefined) return []
      return [Math.max(0, value - old)]
    })
  const any = (): boolean => true
  const video = (stat: Stat): boolean => stat.kind === 'video'
  const camera: Of = (stat, id) => video(stat) && !now.slides.has(id)
  // a slot that has just got its first source was empty before, not frozen
  const shown = (stat: Stat): boolean => {
    const track = stat.trackIdentifier ?? ''
    return video(stat) && now.shown.has(track) && before.shown.has(track)
  }
  const received = sum(grown('inbound-rtp', 'packetsReceived', any)) ?? 0
  const lost = sum(grown('inbound-rtp', 'packetsLost', any)) ?? 0
  const expected = received + lost
  const bytes = sum(grown('outbound-rtp', 'bytesSent', any))
  const decoded = most(grown('inbound-rtp', 'framesDecoded', shown))
  // each layer has a counter of its own: the picture is as good as its best one, its bits are all
  const sent = most(grown('outbound-rtp', 'framesEncoded', camera))
  const frozen = most(grown('inbound-rtp', 'totalFreezesDuration', shown))
  return {
    rtt_s,
    receive_loss_ratio: expected === 0 ? null : within(lost / expected, 1),
    freeze_s: frozen === null ? null : within(Math.min(frozen, spanS), MOST_S),
    frames_per_s: decoded === null ? null : within(decoded / spanS, MOST_FRAMES),
    sent_frames_per_s: sent === null ? null : within(sent / spanS, MOST_FRAMES),
    sent_bps: bytes === null ? null : within((bytes * 8) / spanS, MOST_BPS),
  }
}

type Counter =
  | 'packetsReceived'
  | 'packetsLost'
  | 'framesDecoded'
  | 'framesEncoded'
  | 'totalFreezesDuration'
  | 'bytesSent'

function sum(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0)
}

function most(values: readonly number[]): number | null {
  return values.length === 0 ? null : Math.max(...values)
}

function within(value: number, limit: number): number | null {
  return Number.isFinite(value) ? Math.min(limit, Math.max(0, value)) : null
}
