/** Fifteen minutes of a site as lines and bars. Pure. */

import type { HealthState, HistoryPoint, SiteHistory } from '../shared/wire/types.gen'

export const SPAN_S = 15 * 60
/** The drawing's own units; it is stretched to its box. */
export const WIDTH = 300
export const HEIGHT = 32

export interface Line {
  /** `d` of an SVG path; empty when nothing is known. */
  readonly path: string
  readonly most: number | null
}

/** One figure over time, from zero to its own maximum; a gap where nothing was known. */
export function lineOf(
  history: SiteHistory,
  value: (point: HistoryPoint) => number | null,
  atLeast: number,
): Line {
  const known = history.points.flatMap((point) => {
    const at = value(point)
    return at === null ? [] : [{ x: xOf(history, point.at), at, time: point.at }]
  })
  const most = known.length === 0 ? null : Math.max(...known.map(({ at }) => at))
  const full = Math.max(most ?? 0, atLeast)
  let path = ''
  let last = Number.NEGATIVE_INFINITY
  for (const { x, at, time } of known) {
    const y = HEIGHT - (HEIGHT - 2) * (at / full) - 1
    const move = time - last > 2.5 * history.step_s ? 'M' : 'L'
    path += `${move}${round(x)} ${round(y)}`
    // a point of its own is seen as a dot
    if (move === 'M') path += `h0.01`
    last = time
  }
  return { path, most }
}

export interface Bar {
  readonly state: HealthState
  readonly lost: boolean
  readonly x: number
  readonly width: number
}

/** The states as a strip; neighbours of one state are one bar. `lost`: without control. */
export function barsOf(history: SiteHistory): Bar[] {
  const step = (WIDTH * history.step_s) / SPAN_S
  const bars: Bar[] = []
  for (const { at, state, control } of history.points) {
    const x = xOf(history, at)
    const lost = control === 'lost'
    const last = bars.at(-1)
    const touches = last !== undefined && x - (last.x + last.width) < step / 2
    if (touches && last.state === state && last.lost === lost) {
      bars[bars.length - 1] = { ...last, width: round(x + step - last.x) }
    } else bars.push({ state, lost, x: round(x), width: round(step) })
  }
  return bars
}

function xOf(history: SiteHistory, at: number): number {
  return (WIDTH * (at - history.from)) / SPAN_S
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
