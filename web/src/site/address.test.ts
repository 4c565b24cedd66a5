import { expect, test } from 'vitest'
import { readAddress } from './address'

test('a link names conference, site and token', () => {
  expect(readAddress({ pathname: '/c/521e/s/48/', hash: '#t=a.b-c_d' })).toEqual({
    conference: '521e',
    site: '48',
    token: 'a.b-c_d',
  })
})

test('the last slash and the token may be missing', () => {
  expect(readAddress({ pathname: '/c/c1/s/4%2F8', hash: '' })).toEqual({
    conference: 'c1',
    site: '4/8',
    token: null,
  })
  expect(readAddress({ pathname: '/c/c1/s/48/', hash: '#t=' })?.token).toBeNull()
})

test.each(['/', '/c/c1/', '/c/c1/s/48/more'])('%s is no site’s page', (pathname) => {
  expect(readAddress({ pathname, hash: '' })).toBeNull()
})
