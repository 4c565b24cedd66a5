import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { type Failure, Refusal } from '../shared/client/problem'
import type { Rest } from '../shared/client/rest'
import { longDate, shortTime } from '../shared/client/time'
import { t } from '../shared/i18n'
import { Icon } from '../shared/ui/icon'
import { Dialog, ErrorText } from '../shared/ui/parts'
import type { ConferenceId, SiteLink } from '../shared/wire/types.gen'

interface Props {
  readonly rest: Rest
  readonly conference: ConferenceId
  readonly onClose: () => void
}

/** RFC 4180, with the mark by which Excel knows UTF-8. */
export function linksCsv(links: readonly SiteLink[], header: readonly string[]): string {
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
  const lines = [header, ...links.map(({ site, name, url, code }) => [site, name, url, code])]
  return `\ufeff${lines.map((line) => line.map(quoted).join(',')).join('\r\n')}\r\n`
}

/** One line per site, to paste into a message or a sheet. */
export function linksText(links: readonly SiteLink[]): string {
  return links.map(({ site, name, url, code }) => `${site}\t${name}\t${url}\t${code}`).join('\n')
}

/** Every site's personal link, to copy or to take away. */
export function LinksDialog({ rest, conference, onClose }: Props) {
  const texts = t.value.links
  const links = useSignal<SiteLink[] | null>(null)
  const failure = useSignal<Failure | null>(null)
  const copied = useSignal<string | null>(null)
  const copyFailed = useSignal(false)
  useEffect(() => {
    rest.links(conference).then(
      (list) => {
        links.value = list
      },
      (error: unknown) => {
        failure.value = error instanceof Refusal ? error.code : 'internal'
      },
    )
  }, [rest, conference, links, failure])
  const copy = async (text: string, what: string): Promise<void> => {
    copyFailed.value = !(await copyText(text))
    copied.value = copyFailed.value ? null : what
  }
  const rows = links.value ?? []
  const first = rows[0]
  return (
    <Dialog
      title={texts.title}
      wide
      onClose={onClose}
      foot={
        <>
          <span class="hint spacer" role="status">
            {copyFailed.value ? texts.copyFailed : ''}
            {copied.value === null ? '' : texts.copied}
          </span>
          <button
            type="button"
            class="button"
            disabled={rows.length === 0}
            onClick={() => void copy(linksText(rows), '*')}
          >
            <Icon name={copied.value === '*' ? 'check' : 'copy'} />
            {texts.copyAll}
          </button>
          <button
            type="button"
            class="button primary"
            disabled={rows.length === 0}
            onClick={() =>
              save(
                `${texts.fileName}-${conference}.csv`,
                linksCsv(rows, [texts.code, texts.name, texts.url, texts.typed]),
              )
            }
          >
            <Icon name="download" />
            {texts.download}
          </button>
        </>
      }
    >
      <p>
        {texts.lead}
        {first === undefined
          ? ''
          : ` ${texts.expires}: ${shortTime(first.expires_at, t.value.locale)}, ${longDate(first.expires_at, t.value.locale)}.`}
      </p>
      {failure.value === null ? null : <ErrorText code={failure.value} />}
      {links.value === null && failure.value === null ? <p>{t.value.common.loading}</p> : null}
      <div class="links-scroll" tabIndex={-1}>
        <table class="links" data-testid="links">
          <thead>
            <tr>
              <th scope="col">{texts.code}</th>
              <th scope="col">{texts.name}</th>
              <th scope="col">{texts.url}</th>
              <th scope="col">{texts.typed}</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {rows.map((link) => (
              <tr key={link.site} data-link={link.site}>
                <td>{link.site}</td>
                <th scope="row">{link.name}</th>
                <td>
                  {link.revoked ? (
                    texts.revoked
                  ) : (
                    <a href={link.url} target="_blank" rel="noopener noreferrer">
                      {link.url}
                    </a>
                  )}
                </td>
                <td class="code">{link.code}</td>
                <td>
                  <button
                    type="button"
                    class="button small"
                    disabled={link.revoked}
                    aria-label={texts.copySite(link.name)}
                    onClick={() => void copy(link.url, link.site)}
                  >
                    <Icon name={copied.value === link.site ? 'check' : 'copy'} />
                    {copied.value === link.site ? texts.copied : texts.copy}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Dialog>
  )
}

async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

/** Without https there is no clipboard object; the old way still works. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'visually-hidden'
  const parent = document.querySelector('dialog[open]') ?? document.body
  parent.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const anchor = document.createElement('a')
  anchor.href = url
  anchor.download = name
  anchor.click()
  URL.revokeObjectURL(url)
}
