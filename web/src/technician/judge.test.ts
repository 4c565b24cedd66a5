import { expect, test } from 'vitest'
import { seatRow, siteFigures } from '../../test/rows'
import type { HealthState, SiteFigures } from '../shared/wire/types.gen'
import {
  type Advice,
  adviceFor,
  contactAge,
  type Judged,
  pictureFault,
  sorted,
  staleFor,
} from './judge'

function judged(site: string, state: HealthState, figures: SiteFigures | null = null): Judged {
  return { seat: seatRow(site, { heard_at: 5 }), state, figures }
}

test('the worst come first, then the protocol order', () => {
  const sites = [
    judged('01', 'good'),
    judged('02', 'offline'),
    judged('06', 'lost'),
    judged('04', 'lost'),
    judged('08', 'fair'),
    judged('10', 'poor'),
    judged('11', 'connecting'),
  ]
  const order = sorted(sites, 'worst').map(({ seat }) => seat.site)
  expect(order).toEqual(['04', '06', '10', '11', '08', '02', '01'])
  expect(sorted(sites, 'code').map(({ seat }) => seat.site)[0]).toBe('01')
})

test('of those that are well, a picture that shows no room comes first', () => {
  const sites = [
    judged('01', 'good', siteFigures({ picture: 'ok' })),
    judged('02', 'good', siteFigures({ picture: 'black' })),
    judged('04', 'fair', siteFigures({ picture: 'frozen' })),
  ]
  expect(sorted(sites, 'worst').map(({ seat }) => seat.site)).toEqual(['04', '02', '01'])
  expect(sites.map(pictureFault)).toEqual([null, 'black', null])
})

test('regions stand together', () => {
  const sites = [
    { ...judged('01', 'good'), seat: seatRow('01', { region: 'Tây Nguyên' }) },
    { ...judged('02', 'good'), seat: seatRow('02', { region: 'Đông Nam Bộ' }) },
    { ...judged('04', 'good'), seat: seatRow('04', { region: 'Tây Nguyên' }) },
  ]
  expect(sorted(sites, 'region').map(({ seat }) => seat.site)).toEqual(['02', '01', '04'])
})

test('calls for help come before the worst, the longest wait first', () => {
  const sites = [
    judged('06', 'lost'),
    { ...judged('01', 'good'), seat: seatRow('01', { help_since: 20 }) },
    { ...judged('02', 'good'), seat: seatRow('02', { help_since: 10 }) },
  ]
  expect(sorted(sites, 'worst').map(({ seat }) => seat.site)).toEqual(['02', '01', '06'])
  expect(sites.slice(1).map(adviceFor)).toEqual(['help', 'help'])
})

test.each<[string, HealthState, Partial<SiteFigures> | null, Advice]>([
  ['control lost, media good', 'good', { control: 'lost', control_age_s: 9 }, 'control_lost'],
  ['a slow computer', 'fair', { freeze_ratio: 0.2 }, 'freezes'],
  ['never heard of', 'offline', null, 'offline_never'],
  ['never opened', 'offline', { control_age_s: null }, 'offline_never'],
  ['was there before', 'offline', { control_age_s: 400 }, 'offline'],
  ['just coming', 'connecting', { control_age_s: null, consent_age_s: null }, 'connecting'],
  ['page in, no media', 'connecting', { consent_age_s: null }, 'connecting_no_media'],
  ['nothing at all', 'lost', { control_age_s: 20, consent_age_s: 20 }, 'lost_site'],
  ['page only', 'lost', { control_age_s: 1, consent_age_s: 20 }, 'lost_media'],
  ['path but no picture', 'lost', { consent_age_s: 1, media_age_s: 20 }, 'lost_device'],
  ['loses packets', 'poor', { loss_ratio: 0.08 }, 'loss'],
  ['loses what it gets', 'fair', { receive_loss_ratio: 0.05 }, 'loss'],
  ['far away', 'poor', { rtt_s: 0.6 }, 'delay'],
  ['just weak', 'fair', {}, 'weak'],
  ['well', 'good', {}, 'good'],
  ['well but its lens is covered', 'good', { picture: 'black' }, 'black'],
  ['well but always the same', 'good', { picture: 'frozen', microphone: false }, 'frozen'],
  ['well but without a camera', 'good', { picture: 'test_card' }, 'test_card'],
  ['black and weak', 'fair', { picture: 'black' }, 'weak'],
  ['well but nobody looks', 'good', { picture: null }, 'good'],
  ['well but far too loud', 'good', { mic_clipping_ratio: 0.1 }, 'clipping'],
  ['well but without a microphone', 'good', { microphone: false }, 'no_microphone'],
])('a site that is %s', (_, state, changes, advice) => {
  const figures = changes === null ? null : siteFigures(changes)
  expect(adviceFor(judged('48', state, figures))).toBe(advice)
})

test('a microphone that was never heard is tried, unless nobody can say', () => {
  const seat = seatRow('48')
  expect(adviceFor({ seat, state: 'good', figures: siteFigures() })).toBe('not_heard')
  const unknown = siteFigures({ mic_heard: null, mic_level_dbov: null })
  expect(adviceFor({ seat, state: 'good', figures: unknown })).toBe('good')
})

test('contact is the newest of all signs', () => {
  const figures = siteFigures({ control_age_s: 9, consent_age_s: 4, media_age_s: null })
  expect(contactAge(figures)).toBe(4)
  expect(contactAge(null)).toBeNull()
})

test('figures are stale after three seconds', () => {
  expect(staleFor(100_000, 102.9)).toBeNull()
  expect(staleFor(100_000, 103)).toBe(3)
  expect(staleFor(100_000, 171.5)).toBe(71)
})
