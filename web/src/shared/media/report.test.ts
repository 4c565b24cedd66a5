import { expect, test } from 'vitest'
import { measure, ReportMaker, type Stat } from './report'

const sample = (atMs: number, stats: Stat[], shown: string[] = ['t1']) => ({
  atMs,
  stats: new Map(stats.map((stat) => [stat.id, stat])),
  shown: new Set(shown),
  slides: new Set<string>(),
})
const picture = (changes: Partial<Stat>): Stat => ({
  id: 'in',
  type: 'inbound-rtp',
  kind: 'video',
  trackIdentifier: 't1',
  ...changes,
})

test('counters become what happened since the report before', () => {
  const before = sample(0, [
    picture({ packetsReceived: 100, packetsLost: 0, framesDecoded: 10, totalFreezesDuration: 1 }),
    { id: 'out', type: 'outbound-rtp', kind: 'video', framesEncoded: 0, bytesSent: 1_000 },
  ])
  const now = sample(5_000, [
    picture({ packetsReceived: 195, packetsLost: 5, framesDecoded: 85, totalFreezesDuration: 3 }),
    { id: 'out', type: 'outbound-rtp', kind: 'video', framesEncoded: 75, bytesSent: 126_000 },
    { id: 'pair', type: 'candidate-pair', state: 'succeeded', currentRoundTripTime: 0.04 },
  ])
  expect(measure(before, now)).toEqual({
    rtt_s: 0.04,
    receive_loss_ratio: 0.05,
    freeze_s: 2,
    frames_per_s: 15,
    sent_frames_per_s: 15,
    sent_bps: 200_000,
  })
})

test('nothing leaves the ranges of the wire, whatever a browser says', () => {
  const before = sample(0, [picture({ packetsReceived: 500, framesDecoded: 0, packetsLost: 9 })])
  const now = sample(1_000, [
    picture({
      packetsReceived: 0,
      packetsLost: -40,
      framesDecoded: 1e12,
      totalFreezesDuration: Number.NaN,
    }),
    { id: 'out', type: 'outbound-rtp', bytesSent: Number.POSITIVE_INFINITY },
    { id: 'pair', type: 'candidate-pair', state: 'succeeded', currentRoundTripTime: 1e9 },
  ])
  const made = measure(before, now)
  expect(made).toMatchObject({ rtt_s: 60, receive_loss_ratio: null, frames_per_s: 240 })
  expect(JSON.stringify(made)).not.toMatch(/NaN|Infinity|-/)
})

test('a slot that was empty was not frozen', () => {
  const before = sample(0, [picture({ totalFreezesDuration: 0, framesDecoded: 0 })], [])
  const now = sample(5_000, [picture({ totalFreezesDuration: 300, framesDecoded: 30 })])
  expect(measure(before, now)).toMatchObject({ freeze_s: null, frames_per_s: null })
})

test('a connection that tells nothing makes an empty report', async () => {
  const peer = { getStats: () => Promise.reject(new Error('closed')) }
  const maker = new ReportMaker()
  const source = { peers: [peer], shown: [], atMs: 0 }
  expect(await maker.make(source)).toEqual({ rtt_s: null })
  expect(await maker.make({ ...source, atMs: 5_000 })).toMatchObject({ sent_bps: null })
})

test('the layers of a camera are one picture, and their bits are counted together', () => {
  const layers = (frames: number, bytes: number): Stat[] =>
    ['q', 'h', 'f'].map((rid, rank) => ({
      id: rid,
      type: 'outbound-rtp',
      kind: 'video',
      framesEncoded: frames * (rank + 1),
      bytesSent: bytes * (rank + 1),
    }))
  const made = measure(sample(0, layers(0, 0)), sample(5_000, layers(50, 50_000)))
  expect(made).toMatchObject({ sent_frames_per_s: 30, sent_bps: 480_000 })
})

test('slides that move do not hide a camera that stands still', async () => {
  const stats = (frames: number, slides: number): Stat[] => [
    { id: 'source', type: 'media-source', kind: 'video', trackIdentifier: 'screen' },
    { id: 'a', type: 'outbound-rtp', kind: 'video', framesEncoded: frames },
    {
      id: 'b',
      type: 'outbound-rtp',
      kind: 'video',
      framesEncoded: slides,
      mediaSourceId: 'source',
    },
  ]
  let now = stats(0, 0)
  const peer = {
    getStats: () =>
      Promise.resolve(new Map(now.map((stat) => [stat.id, stat])) as unknown as RTCStatsReport),
  }
  const maker = new ReportMaker()
  const source = { peers: [peer], shown: [], slides: 'screen', atMs: 0 }
  await maker.make(source)
  now = stats(0, 75)
  const made = await maker.make({ ...source, atMs: 5_000 })
  expect(made).toMatchObject({ sent_frames_per_s: 0 })
})
