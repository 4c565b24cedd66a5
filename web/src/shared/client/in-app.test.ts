import { expect, test } from 'vitest'
import { type InApp, inAppOf } from './in-app'

const ANDROID = 'Mozilla/5.0 (Linux; Android 13; SM-A546E'
const CHROME =
  'AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.0.0 Mobile Safari/537.36'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15'

test.each<[string, InApp | null]>([
  [`${ANDROID}; wv) ${CHROME} Zalo android/12100694 ZaloTheme/light`, 'Zalo'],
  [`${IPHONE} (KHTML, like Gecko) Mobile/15E148 Zalo iOS/510`, 'Zalo'],
  [`${ANDROID}; wv) ${CHROME} [FB_IAB/FB4A;FBAV/443.0.0.23.229;]`, 'Facebook'],
  [`${ANDROID}; wv) ${CHROME} [FB_IAB/Orca-Android;FBAV/440.0;]`, 'Messenger'],
  [`${IPHONE} Mobile/15E148 [FBAN/MessengerForiOS;FBAV/438.0]`, 'Messenger'],
  [`${IPHONE} Mobile/15E148 Instagram 310.0`, 'Instagram'],
  [`${ANDROID}; wv) ${CHROME}`, 'other'],
  [`${ANDROID}) ${CHROME}`, null],
  [`${IPHONE} (KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1`, null],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0.0.0 Safari/537.36 Edg/120.0', null],
])('%s', (userAgent, app) => {
  expect(inAppOf({ userAgent, camera: true, secure: true })).toBe(app)
})

test('a browser without cameras is told apart from a page without https', () => {
  const userAgent = `${ANDROID}) ${CHROME}`
  expect(inAppOf({ userAgent, camera: false, secure: true })).toBe('other')
  expect(inAppOf({ userAgent, camera: false, secure: false })).toBeNull()
})
