/**
 * Simulcast: the layers in which a camera is sent, by the size of what it captures. Pure.
 *
 * Chromium sends only as many layers as a picture of that size has room for, and drops the largest
 * of those that were offered too many; so the number follows the size.
 */

export interface Size {
  readonly width: number
  readonly height: number
}

/** Names of layers (RFC 8851), lowest first. */
export const RIDS: readonly string[] = ['q', 'h', 'f']

/** What Chromium wants of a picture before it sends so many layers, in pixels. */
const THREE_LAYERS = 960 * 540
const TWO_LAYERS = 480 * 270

/** Nothing larger leaves a room; the shorter side, in pixels. */
const TALLEST = 720

interface Quality {
  readonly maxBitrate: number
  readonly maxFramerate: number
}

/** For a tile of the wall: its bits times 63 must fit the operator's line. */
const WALL: Quality = { maxBitrate: 140_000, maxFramerate: 15 }
const HALF: Quality = { maxBitrate: 450_000, maxFramerate: 30 }
const FULL: Quality = { maxBitrate: 1_400_000, maxFramerate: 30 }
/** One layer has to serve as wall and as program. */
const SINGLE: Quality & { readonly tallest: number } = {
  maxBitrate: 600_000,
  maxFramerate: 30,
  tallest: 360,
}

/** Text must stay sharp; it stands still most of the time. On a slow line it goes before faces. */
export const SLIDES: Quality & { readonly priority: RTCPriorityType } = {
  maxBitrate: 1_500_000,
  maxFramerate: 15,
  priority: 'medium',
}

export type Encoding = Pick<
  RTCRtpEncodingParameters,
  'rid' | 'active' | 'maxBitrate' | 'maxFramerate' | 'scaleResolutionDownBy'
>

/** Captured width and height; null where the browser does not tell, or nothing is captured. */
export function sizeOf(track: MediaStreamTrack | null): Size | null {
  const { width, height } = track?.getSettings() ?? {}
  if (width === undefined || height === undefined || width <= 0 || height <= 0) return null
  return { width, height }
}

/** The layers to offer. What is plugged in later may be large. */
export function ridsFor(size: Size | null): readonly string[] {
  return RIDS.slice(0, roomFor(size))
}

/**
 * How to send each of the layers that were agreed, `rids`, lowest first; a single one if not
 * simulcast. Of the `wanted` (null: all) those are sent that the size has room for; if only larger
 * ones are wanted, the largest that there is. The lowest is always sent.
 */
export function encodingsFor(
  rids: readonly string[],
  size: Size | null,
  wanted: readonly string[] | null,
): Encoding[] {
  if (rids.length <= 1) return [single(size)]
  const used = Math.min(rids.length, roomFor(size))
  const top = used - 1
  return rids.map((rid, rank) => {
    // the top one answers for all that are missing above it
    const answersFor = rank === top ? rids.slice(top) : [rid]
    const isWanted = wanted === null || answersFor.some((name) => wanted.includes(name))
    return {
      rid,
      active: rank === 0 || (rank <= top && isWanted),
      scaleResolutionDownBy: scale(size, tallestOf(used)) * 2 ** Math.max(0, top - rank),
      ...qualityOf(rank, used),
    }
  })
}

function roomFor(size: Size | null): number {
  if (size === null) return RIDS.length
  const pixels = size.width * size.height
  if (pixels >= THREE_LAYERS) return 3
  return pixels >= TWO_LAYERS ? 2 : 1
}

function qualityOf(rank: number, used: number): Quality {
  if (used === 1) return HALF
  return [WALL, HALF, FULL][rank] ?? FULL
}

function tallestOf(used: number): number {
  return used === 3 ? TALLEST : TALLEST / 2
}

function single(size: Size | null): Encoding {
  const { tallest, ...quality } = SINGLE
  return { active: true, scaleResolutionDownBy: scale(size, tallest), ...quality }
}

/** Never up; the shorter side counts, so that a telephone may stand upright. */
function scale(size: Size | null, tallest: number): number {
  if (size === null) return 1
  return Math.max(1, Math.min(size.width, size.height) / tallest)
}
