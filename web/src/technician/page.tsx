/** The technician's dashboard: every site on one screen, the worst first. */

import { clockTime } from '../shared/client/time'
import { language, t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { NoticeList } from '../shared/ui/notices'
import {
  Brand,
  ConnectionBadge,
  LanguageSwitch,
  MixPill,
  PhasePill,
  useTitle,
} from '../shared/ui/parts'
import { StaffRefused } from '../shared/ui/refused'
import { HEALTH_ICONS } from '../shared/ui/state'
import { Board } from './board'
import { Details } from './details'
import { age } from './format'
import { SEVERITY, SORTS } from './judge'
import type { Watch } from './watch'

export function TechnicianPage({ watch }: { watch: Watch }) {
  useTitle(`${t.value.technician.title} · ${watch.conference.value?.title ?? ''}`)
  const connection = watch.socket.connection.value
  if (connection.kind === 'refused') {
    return <StaffRefused code={connection.code} />
  }
  return (
    <div class="watch" data-stale={watch.stale.value !== null}>
      <Head watch={watch} />
      <StaleBanner watch={watch} />
      <Suspects watch={watch} />
      <main>
        <div class="board">
          <Summary watch={watch} />
          <Board watch={watch} />
        </div>
        <Details watch={watch} />
      </main>
      <NoticeList notices={watch.notices} />
    </div>
  )
}

function Head({ watch }: { watch: Watch }) {
  const texts = t.value
  const conference = watch.conference.value
  const title = language.value === 'en' ? conference?.title_en : conference?.title
  return (
    <header class="watch-head">
      <Brand compact />
      <div class="who">
        <h1>{texts.technician.title}</h1>
        <span>{title ?? ''}</span>
      </div>
      <span class="spacer" />
      {conference === null ? null : <PhasePill phase={conference.phase} />}
      <Nodes watch={watch} />
      <MixPill mixes={watch.socket.received.value?.figures.mixes ?? null} />
      <time>{clockTime(watch.now.value, texts.locale)}</time>
      <ConnectionBadge connection={watch.socket.connection.value} now={watch.now.value} />
      <LanguageSwitch />
    </header>
  )
}

/** A node that says nothing for so long is worth more than a line of small print. */
const SILENT_NODE_S = 10

function Nodes({ watch }: { watch: Watch }) {
  const texts = t.value
  const received = watch.socket.received.value
  if (received === null) return null
  const nodes = Object.entries(received.figures.nodes)
  if (nodes.length === 0) return <NodeAlert text={texts.technician.nodesNone} />
  const silent = nodes.filter(([, seconds]) => seconds >= SILENT_NODE_S)
  if (silent.length > 0) {
    const said = silent.map(([node, seconds]) =>
      texts.technician.nodeSilent(node, age(seconds, texts)),
    )
    return <NodeAlert text={said.join(' · ')} hint={texts.technician.nodeSilentHint} />
  }
  return (
    <span class="nodes" data-testid="nodes" title={texts.technician.nodes}>
      {nodes
        .map(([node, seconds]) => texts.technician.nodeAge(node, age(seconds, texts)))
        .join(' · ')}
    </span>
  )
}

function NodeAlert({ text, hint }: { text: string; hint?: string }) {
  return (
    <span class="pill" data-tone="lost" role="alert" data-testid="nodes" title={hint}>
      <Icon name="octagonAlert" />
      {text}
    </span>
  )
}

function StaleBanner({ watch }: { watch: Watch }) {
  const texts = t.value
  const stale = watch.stale.value
  if (stale === null) return null
  const last = watch.lastFigures
  return (
    <div class="stale" role="alert" data-testid="stale">
      <Icon name="octagonAlert" />
      <b>{texts.technician.stale(stale)}</b>
      <span>
        {last === null
          ? texts.technician.nothingYet
          : texts.technician.staleHint(clockTime(last, texts.locale))}
      </span>
    </div>
  )
}

/** The fault is ours: no site is to be called for it. */
function Suspects({ watch }: { watch: Watch }) {
  const suspects = watch.socket.received.value?.figures.suspects ?? []
  if (suspects.length === 0) return null
  const texts = t.value.technician
  return (
    <div class="stale" role="alert" data-testid="suspects">
      <Icon name="octagonAlert" />
      <b>{texts.suspects(suspects.join(', '))}</b>
      <span>{texts.suspectsHint}</span>
    </div>
  )
}

function Summary({ watch }: { watch: Watch }) {
  const texts = t.value
  const heard = watch.sites.value.filter(({ seat }) => seat.heard_at !== null).length
  return (
    <div class="summary">
      <ul aria-label={texts.technician.summary}>
        {SEVERITY.map((state) => (
          <li key={state} data-count={state} data-empty={watch.counts.value[state] === 0}>
            <span data-tone={state}>
              <Icon name={HEALTH_ICONS[state]} />
            </span>
            <b>{watch.counts.value[state]}</b>
            {texts.health[state]}
          </li>
        ))}
        <li data-testid="mics-heard" data-empty={heard === 0}>
          <span data-tone="good">
            <Icon name="mic" />
          </span>
          <b>{heard}</b>
          {texts.voice.heardCount}
        </li>
      </ul>
      <span class="spacer" />
      <fieldset class="segmented" aria-label={texts.technician.sort}>
        {SORTS.map((sort) => (
          <button
            type="button"
            key={sort}
            data-testid={`sort-${sort}`}
            aria-pressed={watch.sort.value === sort}
            onClick={() => {
              watch.sort.value = sort
            }}
          >
            {texts.technician.sorts[sort]}
          </button>
        ))}
      </fieldset>
    </div>
  )
}
