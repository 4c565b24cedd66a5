import { expect, test } from 'vitest'
import { fakeCamera, fakeTrack } from '../../../test/peer'
import { type Encoding, encodingsFor, RIDS, ridsFor, type Size, sizeOf } from './layers'

const HD: Size = { width: 1280, height: 720 }
const NHD: Size = { width: 640, height: 360 }

const on = (encodings: readonly Encoding[]) =>
  encodings.filter(({ active }) => active).map(({ rid }) => rid)
/** Heights as they arrive. */
const heights = (encodings: readonly Encoding[], { height }: Size) =>
  encodings
    .filter(({ active }) => active)
    .map(({ scaleResolutionDownBy: by = 1 }) => Math.round(height / by))

test.each([
  [HD, 3],
  [{ width: 1920, height: 1080 }, 3],
  [{ width: 960, height: 540 }, 3],
  [{ width: 720, height: 1280 }, 3],
  [NHD, 2],
  [{ width: 640, height: 480 }, 2],
  [{ width: 320, height: 240 }, 1],
  [null, 3],
])('%o has room for %i', (size, count) => {
  expect(ridsFor(size)).toEqual(RIDS.slice(0, count))
})

test('a large camera is sent in quarters, halves and whole, 720 lines at most', () => {
  expect(heights(encodingsFor(RIDS, HD, null), HD)).toEqual([180, 360, 720])
  const full: Size = { width: 1920, height: 1080 }
  expect(heights(encodingsFor(RIDS, full, null), full)).toEqual([180, 360, 720])
  const upright = encodingsFor(RIDS, { width: 720, height: 1280 }, null)
  expect(upright[2]?.scaleResolutionDownBy).toBe(1)
})

test('the wall costs 63 sites less than 10 Mbit/s', () => {
  const [wall] = encodingsFor(RIDS, HD, null)
  expect((wall?.maxBitrate ?? 0) * 63).toBeLessThan(10_000_000)
  expect(wall?.maxFramerate).toBeLessThanOrEqual(15)
})

test('a small camera that comes after three were agreed uses the lower two at full size', () => {
  const made = encodingsFor(RIDS, NHD, null)
  expect(on(made)).toEqual(['q', 'h'])
  expect(heights(made, NHD)).toEqual([180, 360])
  const tiny: Size = { width: 320, height: 240 }
  expect(heights(encodingsFor(RIDS, tiny, null), tiny)).toEqual([240])
})

test.each([
  [
    ['q', 'h', 'f'],
    ['q', 'h', 'f'],
  ],
  [['q'], ['q']],
  [['f'], ['q', 'f']],
  [[], ['q']],
  [
    ['x', 'h'],
    ['q', 'h'],
  ],
])('of those wanted, %o, %o are sent', (wanted, sent) => {
  expect(on(encodingsFor(RIDS, HD, wanted))).toEqual(sent)
})

test('who wants more than there is gets the largest that there is', () => {
  expect(on(encodingsFor(RIDS, NHD, ['q', 'f']))).toEqual(['q', 'h'])
  expect(on(encodingsFor(['q', 'h'], HD, ['q', 'f']))).toEqual(['q'])
})

test('a single layer is one for wall and program, whatever is wanted', () => {
  const [only, ...more] = encodingsFor(['q'], HD, ['f'])
  expect(more).toEqual([])
  expect(only).toMatchObject({ active: true, scaleResolutionDownBy: 2, maxBitrate: 600_000 })
  expect(encodingsFor([''], NHD, null)[0]?.scaleResolutionDownBy).toBe(1)
})

test('a track tells its size, if it knows', () => {
  expect(sizeOf(fakeCamera(640, 360))).toEqual(NHD)
  expect(sizeOf(fakeTrack('video'))).toBeNull()
  expect(sizeOf(null)).toBeNull()
})
