import { expect, test } from 'vitest'
import type { HistoryPoint, SiteHistory } from '../shared/wire/types.gen'
import { barsOf, HEIGHT, lineOf, WIDTH } from './history'

function point(at: number, changes: Partial<HistoryPoint> = {}): HistoryPoint {
  return {
    at,
    state: 'good',
    control: 'good',
    rtt_s: 0.05,
    loss_ratio: 0,
    jitter_s: null,
    bitrate_bps: null,
    receive_loss_ratio: null,
    quality: null,
    freeze_ratio: null,
    ...changes,
  }
}

const history = (...points: HistoryPoint[]): SiteHistory => ({ step_s: 5, from: 1_000, points })

test('a line rises to its maximum and breaks where nothing was known', () => {
  const { path, most } = lineOf(
    history(
      point(1_000),
      point(1_005, { rtt_s: 0.1 }),
      point(1_010, { rtt_s: null }),
      point(1_900),
    ),
    ({ rtt_s }) => rtt_s,
    0.1,
  )
  expect(most).toBe(0.1)
  expect(path.match(/M/g)).toHaveLength(2)
  expect(path).toContain('L1.67 1')
  expect(path).toContain(`M${WIDTH} ${HEIGHT / 2}`)
})

test('small figures stay small', () => {
  const { path } = lineOf(history(point(1_000)), ({ loss_ratio }) => loss_ratio, 0.05)
  expect(path).toBe(`M0 ${HEIGHT - 1}h0.01`)
})

test('nothing known is no line', () => {
  expect(lineOf(history(), ({ rtt_s }) => rtt_s, 1)).toEqual({ path: '', most: null })
})

test('neighbours of one state are one bar, and a gap is a gap', () => {
  const bars = barsOf(
    history(
      point(1_000),
      point(1_005),
      point(1_010, { state: 'poor' }),
      point(1_015, { state: 'poor', control: 'lost' }),
      point(1_600, { state: 'poor', control: 'lost' }),
    ),
  )
  expect(bars.map(({ state, lost, x }) => [state, lost, x])).toEqual([
    ['good', false, 0],
    ['poor', false, 3.33],
    ['poor', true, 5],
    ['poor', true, 200],
  ])
  expect(bars[0]?.width).toBeCloseTo(3.34, 1)
})
