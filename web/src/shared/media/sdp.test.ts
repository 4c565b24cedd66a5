import { expect, test } from 'vitest'
import { preferVp8, withDtx } from './sdp'

const answer = 'm=audio 9 X 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\n'

test('let our microphone rest in silence', () => {
  expect(withDtx(answer)).toContain('a=fmtp:111 minptime=10;usedtx=1\r\n')
  expect(withDtx(withDtx(answer))).toBe(withDtx(answer))
  const bare = 'm=audio 9 X 96\r\na=rtpmap:96 opus/48000/2\r\nm=video 9 X 97\r\n'
  expect(withDtx(bare)).toContain('a=rtpmap:96 opus/48000/2\r\na=fmtp:96 usedtx=1\r\nm=video')
})

test('without Opus stay as they are', () => {
  expect(withDtx('m=video 9 X 96\r\n')).toBe('m=video 9 X 96\r\n')
})

test('a browser that cannot choose codecs is left alone', () => {
  const old = {} as RTCRtpTransceiver
  expect(() => preferVp8(old, [{ mimeType: 'video/VP8', clockRate: 90_000 }])).not.toThrow()
})
