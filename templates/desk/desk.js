// The desk's script. Pages work without it: rows are links, actions are forms, states are addresses. It makes them quick:
// it fetches the same pages and swaps their panes, counts down, listens for changes, and answers to keys.
// It never moves what is under the pointer or the focus, and never throws away a word that somebody typed.
(() => {
  'use strict';

  const root = document.documentElement;
  const find = (selector, inside = document) => inside.querySelector(selector);
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const byId = id => document.getElementById(id);
  /** The three panes; `place`: those, or the page of one ticket. Elsewhere forms and links are the browser's own. */
  const desk = () => byId('desk');
  const place = (inside = document) => find('#desk, #record', inside);
  const ticket = () => place()?.dataset.ticket ?? '';
  const isOn = name => root.dataset[name] === 'true';
  const isNarrow = () => matchMedia('(max-width: 899px)').matches;

  root.classList.add('scripted');

  // ---- Words ---------------------------------------------------------------------------------------------------------

  /** Words of the page's language, with `{name}` replaced. */
  function words(name, values = {}) {
    const text = byId('words')?.dataset[name] ?? '';
    return text.replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
  }

  const counted = (name, n) => n === 1 ? words(`${name}One`) : words(`${name}Many`, { n });

  /** Says something to screen readers, rarely: only what changes what one is doing. */
  function announce(text) {
    if (byId('live')) byId('live').textContent = text;
  }

  /** Makes an element; texts become text, never markup. */
  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  /** A sign of the sprite. */
  function sign(name, small = false) {
    const shape = document.createElement('template');
    shape.innerHTML = `<svg class="i${small ? ' i-s' : ''}" aria-hidden="true"><use href="#i-${name}"/></svg>`;
    return shape.content.firstChild;
  }

  /** Shows a notice of our own where the server's would stand. */
  function notice(kind, text) {
    byId('flash')?.remove();
    byId('alerts')?.append(make('div', { id: 'flash', className: `strip is-${kind}`, tabIndex: -1, role: 'alert' }, sign('failed'), make('p', {}, text)));
  }

  // ---- Pages: fetched, and swapped pane by pane ------------------------------------------------------------------------

  /** What each pane looked like when it came; a pane that came again unchanged is left alone, with what is open in it. */
  const sources = new Map();
  let turn = 0;

  async function load(address, init = {}) {
    const response = await fetch(address, {
      ...init, headers: { 'x-desk': '1', accept: 'text/html' }, credentials: 'same-origin', cache: 'no-store',
    });
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    if (!page.body.dataset.view) throw new Error(`no page of the desk at ${address}: ${response.status}`);
    return { page, address: response.url, ok: response.ok };
  }

  /** Goes to a page. What cannot be fetched is navigated to, so that the browser says why. */
  async function go(address, { push = true, whole = false, focus = null, at = null } = {}) {
    const mine = ++turn;
    const slow = setTimeout(() => root.classList.add('is-loading'), 300);
    try {
      const got = await load(address);
      if (mine !== turn) return;
      if (got.page.body.dataset.view !== document.body.dataset.view) throw new Error('another page');
      if (push) history.pushState(null, '', got.address);
      else history.replaceState(null, '', got.address);
      put(got.page, { whole, acted: true, left: true });
      if (at) show(at);
      if (focus) focus();
    } catch {
      if (mine === turn && downSince) notice('bad', words('failed'));
      else if (mine === turn) location.assign(address);
    } finally {
      clearTimeout(slow);
      if (mine === turn) root.classList.remove('is-loading');
    }
  }

  /** Puts a fetched page in the place of this one. `acted`: somebody did something, so the list may let go of rows that left;
   *  `left`: they left an editor, whose words are kept; `forced`: panes that are swapped even though somebody writes in them;
   *  `whole`: the list anew. */
  function put(page, { whole = false, acted = false, left = false, forced = [] } = {}) {
    const said = messageIds();
    const height = byId('talk-scroll')?.scrollHeight ?? 0;
    const old = all('[data-pane]').map(pane => pane.id).join(' ');
    const next = all('[data-pane]', page).map(pane => pane.id).join(' ');
    const held = holdFocus();
    const same = ticket() === place(page)?.dataset.ticket;
    if (old === next) {
      for (const pane of all('[data-pane]', page)) swap(pane, { whole, acted, left, forced, same });
      for (const name of ['ticket', 'href']) place().dataset[name] = place(page).dataset[name] ?? '';
    } else {
      for (const id of ['alerts', 'main', 'undo']) {
        const there = byId(id), here = find(`#${id}`, page);
        if (there && here) there.replaceWith(document.importNode(here, true));
      }
      sources.clear();
    }
    document.title = page.title;
    setClock(page);
    // The conversation is counted from its end: whoever reads further up stays where they read.
    const scroll = byId('talk-scroll');
    if (!same) scroll?.scrollTo(0, 0);
    else if (scroll?.scrollTop < -4) scroll.scrollTop -= scroll.scrollHeight - height;
    wire();
    held();
    if (same && ticket()) tellMessages(said);
    if (find('#flash', page)) byId('flash').focus();
  }

  /** Swaps one pane unless it is as it was, or somebody writes in it. */
  function swap(pane, { whole, acted, left, forced, same }) {
    const here = byId(pane.id);
    const source = pane.outerHTML;
    if (pane.id === 'queue' && !whole && mergeQueue(here, pane, acted)) return;
    if (sources.get(pane.id) === source && pane.id !== 'queue' && !forced.includes(pane.id)) return;
    if (pane.id === 'alerts' && !acted && find('#flash', here) && !find('#flash', pane)) return;
    if (same && isDirty(here) && !forced.includes(pane.id) && !(left && pane.id === 'reply')) {
      if (pane.id === 'reply') tellNewer(here, pane);
      return;
    }
    if (pane.id === 'reply' && same && here.dataset.state === 'proposed' && pane.dataset.state === 'retired') {
      announce(words('retired'));
    }
    const stays = same ? all('.scroll', here).map(one => [one.id, one.scrollTop]) : [];
    const open = same ? all('details[id][open]', here).map(one => one.id) : [];
    here.replaceWith(document.importNode(pane, true));
    for (const [id, top] of stays) byId(id)?.scrollTo(0, top);
    if (here.dataset.version === pane.dataset.version) {
      for (const id of open) if (byId(id)) byId(id).open = true;
    }
    sources.set(pane.id, source);
  }

  /** Remembers where the focus and the selection are; calling the result puts them back by id if a swap took them away. */
  function holdFocus() {
    const had = document.activeElement;
    let range;
    try { range = [had.selectionStart, had.selectionEnd]; } catch { /* a field without a selection */ }
    return () => {
      const again = had.id && !document.contains(had) && document.activeElement === document.body && byId(had.id);
      if (!again) return;
      again.focus({ preventScroll: true });
      try { if (range?.[0] >= 0) again.setSelectionRange(...range); } catch { /* it has none now */ }
    };
  }

  /** Looks again after something happened elsewhere: soon where it concerns the open ticket, once for many of the others. */
  let looking = 0, looksAt = Infinity;
  function refresh(soon = true) {
    const at = Date.now() + (soon ? 400 : 3000);
    if (!place() || at >= looksAt) return;
    clearTimeout(looking);
    looksAt = at;
    looking = setTimeout(async () => {
      looksAt = Infinity;
      const [mine, here] = [turn, location.href];
      try {
        const got = await load(here);
        // Whoever went on or acted meanwhile is shown nothing older than that.
        if (mine !== turn || here !== location.href || !got.ok) return;
        if (got.page.body.dataset.view === document.body.dataset.view) put(got.page);
      } catch { /* the line that is down says so itself */ }
    }, at - Date.now());
  }

  addEventListener('popstate', () => {
    if (!place()) location.reload();
    else if (!location.hash || !byId(location.hash.slice(1))) go(location.href, { push: false, whole: true });
  });

  // ---- The queue: rows stay where they are -------------------------------------------------------------------------------

  const rowsOf = inside => all('[data-row]', inside);

  /** Brings a list up to date without moving a row. Returns false where it has to be shown anew. */
  function mergeQueue(here, there, acted) {
    if (here.dataset.key !== there.dataset.key || !rowsOf(here).length || !rowsOf(there).length) return false;
    const incoming = new Map(rowsOf(there).map(row => [row.dataset.row, row]));
    const current = rowsOf(there).find(row => row.hasAttribute('aria-current'));
    if (current && !rowsOf(here).some(row => row.dataset.row === current.dataset.row)) return false;
    for (const row of rowsOf(here)) {
      const next = incoming.get(row.dataset.row);
      incoming.delete(row.dataset.row);
      if (!next && acted) { row.remove(); continue; }
      row.classList.toggle('is-gone', !next);
      row.ariaCurrent = next?.getAttribute('aria-current') ?? null;
      if (!next) continue;
      if (row.innerHTML !== next.innerHTML) row.replaceChildren(...document.importNode(next, true).childNodes);
      row.href = next.getAttribute('href');
    }
    appendTail(here, there, incoming);
    for (const group of all('[data-group]', there)) {
      const figure = find(`[data-group="${group.dataset.group}"] > h3 .figure`, here);
      if (figure) figure.textContent = find('h3 .figure', group).textContent;
    }
    const head = find('.queue-head', here);
    if (!head.contains(document.activeElement) && !find('details[open]', head)) {
      const fresh = byId('fresh');
      head.replaceWith(document.importNode(find('.queue-head', there), true));
      byId('fresh').replaceWith(fresh);
    }
    tellFresh(incoming.size);
    return true;
  }

  /** Rows below the last one that is shown come in at once: they push nothing away. */
  function appendTail(here, there, incoming) {
    const shown = new Set(rowsOf(here).map(row => row.dataset.row));
    const order = rowsOf(there);
    const last = order.findLastIndex(row => shown.has(row.dataset.row));
    for (const row of order.slice(last + 1)) {
      const group = find(`[data-group="${row.closest('[data-group]').dataset.group}"]`, here);
      if (!group || group !== all('[data-group]', here).at(-1)) break;
      group.append(document.importNode(row, true));
      incoming.delete(row.dataset.row);
    }
  }

  function tellFresh(n) {
    const chip = byId('fresh');
    if (!chip) return;
    if (n > Number(chip.dataset.n ?? 0)) call(words('arrived'));
    chip.dataset.n = n;
    chip.hidden = !n;
    if (n) find('[data-text]', chip).textContent = counted('fresh', n);
  }

  // ---- Panes on narrow screens -------------------------------------------------------------------------------------------

  function show(name) {
    if (!desk()) return;
    desk().dataset.at = name;
    for (const link of all('#shows [data-show]')) link.ariaCurrent = link.dataset.show === name ? 'true' : null;
  }

  // ---- The ledger --------------------------------------------------------------------------------------------------------

  const sentences = () => all('#ledger .sentence > a');

  /** Looks at a sentence: marks it, opens its passage, and scrolls as little as will do. The sentence wins over the passage. */
  function look(link, { focus = true } = {}) {
    for (const one of sentences()) Object.assign(one, { ariaCurrent: one === link ? 'true' : null, tabIndex: one === link ? 0 : -1 });
    const passage = byId(`passage-${link.parentElement.dataset.cite}`);
    if (passage) passage.open = true;
    passage?.scrollIntoView({ block: 'nearest' });
    link.parentElement.scrollIntoView({ block: 'nearest' });
    if (focus) link.focus({ preventScroll: true });
  }

  /** Where work goes on: the first sentence that fails, else the first, else what is there to press. */
  function focusWork() {
    const first = find('#ledger [data-open] > a') ?? sentences()[0];
    if (first) look(first);
    else (find('.reply-foot .is-main') ?? find('.vacant a') ?? byId('main')).focus({ preventScroll: true });
  }

  /** One tab stop a list, arrows inside. */
  function rove() {
    for (const list of all('[data-roving]')) {
      const stops = all('.entry, .sentence > a', list);
      const stop = stops.find(one => one.hasAttribute('aria-current')) ?? stops[0];
      for (const one of stops) one.tabIndex = one === stop ? 0 : -1;
    }
  }

  function step(by) {
    const inRows = document.activeElement?.closest('#rows');
    const stops = inRows ? rowsOf(inRows) : sentences();
    if (!stops.length) return false;
    const here = inRows ? stops.indexOf(document.activeElement) : stops.findIndex(one => one.hasAttribute('aria-current'));
    const next = stops[Math.max(0, Math.min(stops.length - 1, here < 0 ? 0 : here + by))];
    if (inRows) next.focus();
    else look(next);
    return true;
  }

  // ---- What is being written -----------------------------------------------------------------------------------------------

  const editors = inside => all('[data-keep]', inside ?? document);
  const keptAs = field => {
    const editor = field.closest('[data-editor]')?.dataset.editor;
    return editor ? `desk:${editor}:${field.name}` : null;
  };
  const isDirty = inside => Boolean(find('input[name="file"]', inside ?? document)) || editors(inside).some(field => field.value !== field.defaultValue);

  /** Keeps typed words until they are sent, so that nothing that happens to the page loses them. */
  function keep(field) {
    const name = keptAs(field);
    if (!name) return;
    try {
      if (field.value === field.defaultValue) sessionStorage.removeItem(name);
      else sessionStorage.setItem(name, field.value);
      if (field.id === 'edited' && byId('kept')) byId('kept').textContent = isDirty(field.form) ? words('kept') : '';
    } catch { /* no room, or not allowed: the words are still in the field */ }
    if (field.id === 'edited') tellShare(field);
  }

  function restore() {
    for (const field of editors()) {
      const name = keptAs(field);
      const kept = name && sessionStorage.getItem(name);
      if (!kept || field.value !== field.defaultValue || kept === field.value) continue;
      field.value = kept;
      field.closest('details')?.setAttribute('open', '');
    }
    if (byId('edited')) keep(byId('edited'));
    const written = sessionStorage.getItem(`desk:${byId('reply')?.dataset.editor}:text`);
    byId('edit')?.classList.toggle('has-text', Boolean(written));
  }

  const forget = form => editors(form).forEach(field => sessionStorage.removeItem(keptAs(field)));

  /** How much of the draft was changed: the words that came or went among all there were and are. */
  function tellShare(field) {
    const [was, is] = [field.dataset.before ?? '', field.value].map(text => text.match(/\S+/g) ?? []);
    const balance = new Map();
    for (const word of was) balance.set(word, (balance.get(word) ?? 0) + 1);
    for (const word of is) balance.set(word, (balance.get(word) ?? 0) - 1);
    const changed = [...balance.values()].reduce((sum, n) => sum + Math.abs(n), 0);
    const n = Math.ceil(100 * changed / Math.max(1, was.length + is.length));
    if (byId('edit-share')) byId('edit-share').textContent = n ? words('editShare', { n }) : '';
  }

  /** Says beside the editor that there is a newer draft; the edit stays. */
  function tellNewer(here, there) {
    const line = byId('newer');
    if (!line || (here.dataset.version === there.dataset.version && here.dataset.state === there.dataset.state)) return;
    const given = find('#newer:not([hidden]) [data-text]', there)?.textContent;
    const label = find('#reply-title', there)?.textContent ?? '';
    const text = given || (here.dataset.version === there.dataset.version ? words('retired') : words('newer', { label }));
    if (find('[data-text]', line).textContent !== text) announce(text);
    find('[data-text]', line).textContent = text;
    line.hidden = false;
  }

  function openComposer({ saved = false } = {}) {
    const composer = byId('composer');
    if (!composer) return;
    if (isNarrow()) show('talk');
    composer.open = true;
    (saved && byId('saved') || byId('own-words'))?.focus();
  }

  // ---- Forms -----------------------------------------------------------------------------------------------------------------

  /** Posts a form and puts the page that answers in the place of this one. Nothing is shown as done before it is. */
  async function post(form, submitter) {
    if (form.dataset.busy) return;
    form.dataset.busy = '1';
    const attaches = submitter?.hasAttribute('formenctype');
    const data = new FormData(form, submitter);
    // Without its content a file is its name.
    const body = attaches ? data : new URLSearchParams([...data].map(([name, value]) => [name, value.name ?? value]));
    const address = submitter?.getAttribute('formaction') ?? form.getAttribute('action');
    const saving = setTimeout(() => form.closest('.understood')?.classList.add('is-saving'), 400);
    turn += 1;
    try {
      const got = await load(address, { method: 'POST', body });
      turn += 1;
      if (got.ok && !attaches) finish(form, got);
      else refuse(form, got);
    } catch {
      notice('bad', words('failed'));
      for (const select of all('select', form)) undoChoice(select);
    } finally {
      clearTimeout(saving);
      delete form.dataset.busy;
      form.closest('.understood')?.classList.remove('is-saving');
    }
  }

  function finish(form, got) {
    const own = form.closest('#reply') ? ['reply'] : form.closest('#compose') ? ['compose'] : [];
    forget(form);
    if (got.page.body.dataset.view !== document.body.dataset.view) return location.assign(got.address);
    if (got.address !== location.href) history.pushState(null, '', got.address);
    const moves = form.hasAttribute('data-moves') || form.hasAttribute('data-recall') || form.closest('.menu');
    const before = ticket();
    const n = form.elements.sentence?.value;
    put(got.page, { acted: true, forced: form.hasAttribute('data-at-once') && isDirty(byId('reply')) ? [] : own });
    if (moves || ticket() !== before) focusWork();
    else if (n) look(byId(`s-${n}`) ?? find('#ledger [data-open] > a') ?? sentences().at(-1) ?? byId('main'));
    else if (document.activeElement === document.body) focusAfter(form);
  }

  /** After a form that stays: back to what opened it, or to what is to be done next. */
  function focusAfter(form) {
    const action = form.getAttribute('action') ?? '';
    const next = action.endsWith('/take') ? find('#give') ?? find('#own-words') : action.endsWith('/fix') ? byId('approve') : byId('take');
    (next ?? byId('main')).focus({ preventScroll: true });
  }

  /** An action that was not done: the page says why where it happened, the words stay. */
  function refuse(form, got) {
    for (const select of all('select', form)) undoChoice(select);
    if (got.page.body.dataset.view !== document.body.dataset.view) {
      const said = find('#flash', got.page) ? all('#flash p', got.page) : all('main h1, main .reading', got.page);
      notice('bad', said.map(one => one.textContent.trim()).join('. '));
      return byId('flash').focus();
    }
    const kept = editors(form).map(field => [field.id, field.value]);
    put(got.page, { forced: form.hasAttribute('data-at-once') || !form.closest('#reply, #compose') ? [] : [form.closest('#reply, #compose').id] });
    for (const [id, value] of kept.filter(([id]) => byId(id))) {
      byId(id).value = value;
      keep(byId(id));
    }
  }

  // A file is handed in as soon as it is chosen; it leaves with the words.
  document.addEventListener('change', event => {
    if (event.target.matches('[data-attach]') && event.target.files.length) find('[formenctype]', event.target.closest('.attach')).click();
  });

  const undoChoice = select => { select.value = ([...select.options].find(one => one.defaultSelected) ?? select.options[0]).value; };

  document.addEventListener('submit', event => {
    const form = event.target;
    if (form.method === 'dialog' || event.defaultPrevented) return;
    const submitter = event.submitter;
    // What the script does at the cursor.
    if (submitter?.matches('[formaction$="/insert"]')) return event.preventDefault();
    if (submitter?.getAttribute('aria-disabled') === 'true') {
      event.preventDefault();
      return (byId('fix-all') ?? byId('edit') ?? submitter).focus();
    }
    // The page of one ticket has no room for what comes back: the desk has.
    if (!desk() && submitter?.hasAttribute('formenctype')) return;
    if (!place() || submitter?.hasAttribute('data-plain') || (form.method === 'get' && form.getAttribute('action') !== location.pathname)) return;
    event.preventDefault();
    if (form.method !== 'get') return post(form, submitter);
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ''));
    go(`${form.getAttribute('action')}?${query}`, { whole: true });
  });

  document.addEventListener('input', event => {
    if (event.target.matches('[data-keep]')) keep(event.target);
  });

  document.addEventListener('change', event => {
    const field = event.target;
    if (field.dataset.insert) insertSaved(field);
    else if (field.matches('[data-auto]') || field.form?.hasAttribute('data-at-once')) field.form.requestSubmit();
    else if (field.name === 'notify' && field.checked && 'Notification' in window) Notification.requestPermission();
  });

  /** Puts words where the cursor is; nothing that stands there is lost but what is selected. */
  function insert(text, field) {
    if (!text || !field) return;
    field.closest('details')?.setAttribute('open', '');
    field.focus();
    const before = field.value.slice(0, field.selectionStart);
    field.setRangeText((before && !/\s$/.test(before) ? '\n\n' : '') + text, field.selectionStart, field.selectionEnd, 'end');
    keep(field);
  }

  function insertSaved(select) {
    const chosen = find(`#saved option[value="${CSS.escape(select.value)}"]`);
    insert(chosen?.dataset.text, byId(select.dataset.insert));
    select.value = '';
  }

  // ---- Clicks ----------------------------------------------------------------------------------------------------------------

  const deeds = {
    keys: () => byId('keys')?.showModal(),
    dismiss: () => byId('flash')?.remove(),
    fresh: () => go(location.href, { push: false, whole: true }),
    compose: () => openComposer(),
    insert: button => { if (!byId('edited')) openComposer(); insert(button.dataset.text, byId('edited') ?? byId('own-words')); },
    fold: () => { byId('composer').open = false; find('#composer > summary').focus(); },
    reveal: button => {
      const field = byId(button.getAttribute('aria-controls'));
      const shows = field.type === 'password';
      field.type = shows ? 'text' : 'password';
      button.ariaPressed = String(shows);
      button.textContent = shows ? button.dataset.on : button.dataset.off;
    },
    copy: async button => {
      try {
        await navigator.clipboard.writeText(byId(button.dataset.from).innerText);
        announce(button.dataset.done);
        button.textContent = button.dataset.done;
      } catch { getSelection().selectAllChildren(byId(button.dataset.from)); }
    },
  };

  document.addEventListener('click', event => {
    for (const drop of all('details.drop[open]')) if (!drop.contains(event.target)) drop.open = false;
    const deed = event.target.closest('[data-do]');
    if (deed) {
      event.preventDefault();
      deeds[deed.dataset.do]?.(deed);
      return;
    }
    const link = event.target.closest('a[href]');
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.origin !== location.origin) return;
    follow(link, event);
  });

  /** Follows a link within the page that is shown; others are the browser's. */
  function follow(link, event) {
    if (link.dataset.show) {
      event.preventDefault();
      const opens = link.dataset.show === 'queue' && desk().dataset.at !== 'queue';
      show(link.dataset.show);
      if (opens) (find('.entry[aria-current]') ?? find('.entry'))?.focus({ preventScroll: true });
    } else if (link.id === 'jump') {
      event.preventDefault();
      byId('talk-scroll').scrollTo({ top: 0 });
    } else if (link.closest('.sentence')) {
      event.preventDefault();
      look(link);
    } else if (link.pathname === location.pathname && place()) {
      event.preventDefault();
      const opens = new URL(link.href).searchParams.get('acao');
      const isRow = link.matches('[data-row], [data-row-link]');
      go(link.href, {
        whole: link.hasAttribute('data-whole'),
        at: isRow ? 'talk' : opens ? 'reply' : null,
        focus: opens ? focusForm : link.id === 'close-form' ? () => closed(link) : isRow && link.id ? () => byId(link.id)?.focus() : null,
      });
    }
  }

  function focusForm() {
    const field = find('#edited, #instruction, #to-queue, #reject-form input[type="radio"]:checked');
    if (field?.id === 'edited') field.setSelectionRange(0, 0);
    (field ?? byId('reply')).focus();
  }

  /** A form was closed: back to the button that opened it. */
  function closed(link) {
    const id = { '': 'edit', 'reject-form': 'reject', 'again-form': 'again', 'escalate-form': 'escalate' }[link.closest('form')?.id ?? ''];
    (byId(id) ?? byId('approve') ?? byId('main')).focus({ preventScroll: true });
  }

  // ---- Keys ------------------------------------------------------------------------------------------------------------------

  const press = id => () => {
    const target = byId(id);
    if (!target || target.getAttribute('aria-disabled') === 'true') return target?.focus();
    target.click();
  };
  const inMenu = id => () => {
    const [menu, item] = [byId('menu'), byId(id)];
    if (!menu || !item) return;
    if (isNarrow()) show('talk');
    menu.open = true;
    item.open = true;
    find('input:not([type="hidden"]), select, form button', item)?.focus();
  };
  const letters = {
    a: () => {
      const button = byId('approve');
      if (button?.getAttribute('aria-disabled') === 'true') (byId('fix-all') ?? button).focus();
      else button?.click();
    },
    z: () => find('.recall')?.requestSubmit(),
    f: press('fix-all'), e: press('edit'), r: press('reject'), n: () => press(byId('again') ? 'again' : 'new')(), t: press('take'), u: press('escalate'),
    v: () => find('#as-ledger:not([aria-current]), #as-message:not([aria-current])')?.click(),
    x: () => find('#ledger a[aria-current] ~ .flaw button[value="remove"]')?.click(),
    j: press('next'), k: press('prev'),
    '.': () => byId('fresh') && !byId('fresh').hidden && byId('fresh').click(),
    c: () => openComposer(), ';': () => openComposer({ saved: true }),
    h: inMenu('do-snooze'), o: inMenu('do-transfer'), l: inMenu('do-tags'),
    b: () => { if (isNarrow()) show('reply'); byId('articles-open')?.setAttribute('open', ''); byId('articles-q')?.focus(); },
    '/': () => { if (getComputedStyle(byId('queue') ?? root).display === 'none') show('queue'); (byId('q') ?? find('[type="search"]'))?.focus(); },
    '?': () => byId('keys')?.showModal(),
  };
  let chord = 0;

  const isTextual = target => target.matches?.('textarea, select, [contenteditable], input:not([type="radio"], [type="checkbox"], [type="submit"], [type="button"])');

  document.addEventListener('keydown', event => {
    if (event.isComposing || event.defaultPrevented) return;
    const target = event.target;
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && target.form?.hasAttribute('data-sends')) {
      event.preventDefault();
      return sendFrom(target.form);
    }
    if (event.ctrlKey || event.metaKey || event.altKey || find('dialog[open]')) return;
    if (event.key === 'Escape') return escape(event);
    if (isTextual(target)) return;
    const choice = /^[1-9]$/.test(event.key) && find(`#reject-form [data-key="${event.key}"]`);
    if (choice) {
      choice.click();
      return choice.focus();
    }
    if (event.key === 'Enter' && target.matches('#reject-form [type="radio"]')) {
      event.preventDefault();
      return target.form.requestSubmit(find('.is-main', target.form));
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return isOn('keys') && letter(event);
    const isOurs = target === document.body || target.id === 'main' || target.closest?.('#rows, #ledger');
    if (isOurs && step(by)) event.preventDefault();
  });

  function letter(event) {
    const key = event.key.toLowerCase();
    if (event.repeat || (event.shiftKey && /^[a-z]$/.test(key))) return;
    if (Date.now() < chord) {
      chord = 0;
      const there = find(`#rail [data-go="${key}"]`);
      if (there) { event.preventDefault(); location.assign(there.href); }
      return;
    }
    if (key === 'g') { chord = Date.now() + 1500; return; }
    if (!Object.hasOwn(letters, key)) return;
    event.preventDefault();
    letters[key]();
  }

  /** Sends from inside a field, with the button that is shown. */
  function sendFrom(form) {
    const buttons = all(`button:not([type="button"])${form.id ? `, button[form="${form.id}"]` : ''}`, form.id ? document : form)
      .filter(button => button.form === form && button.offsetParent);
    form.requestSubmit(buttons.at(-1));
  }

  /** One step back, never losing text. */
  function escape(event) {
    const drop = all('details.drop[open]').at(-1);
    const composer = event.target.closest?.('#composer[open]');
    const close = byId('close-form');
    if (drop) { drop.open = false; find('summary', drop).focus(); }
    else if (composer) deeds.fold();
    else if (close && (event.target.closest?.('#reply') || !isTextual(event.target))) close.click();
    else if (desk()?.dataset.at === 'queue' && ticket()) show('talk');
    else if (isTextual(event.target)) event.target.blur();
    else if (byId('flash')) byId('flash').remove();
  }

  // ---- Clocks and replies that can be called back ------------------------------------------------------------------------------

  /** The server's time: clocks of screens are wrong more often than one thinks. */
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const setClock = page => { ahead = (Date.parse(page.documentElement.dataset.now) || Date.now()) - Date.now(); };

  /** Time left as the server writes it; `null` where it writes a moment instead. Below two minutes, seconds. */
  function timeLeft(ms) {
    const [minutes, minus] = ms > 0 ? [Math.floor(ms / 60000), ''] : [Math.max(Math.floor(-ms / 60000), 1), '−'];
    const padded = n => String(n).padStart(2, '0');
    if (ms > 0 && ms < 120000) return ms < 60000 ? `${Math.max(Math.floor(ms / 1000), 1)} s` : `1:${padded(Math.floor(ms / 1000) - 60)}`;
    if (minutes < 60) return `${minus}${minutes} min`;
    return minutes < 1440 ? `${minus}${Math.floor(minutes / 60)} h ${padded(minutes % 60)}` : null;
  }

  function tickClock(clock) {
    const due = Date.parse(clock.dataset.clock);
    if (!due || clock.dataset.state === 'paused') return;
    const ms = due - now();
    const text = timeLeft(ms);
    const slot = find('[data-text]', clock);
    if (text && slot.textContent !== text) slot.textContent = text;
    const row = clock.closest('.entry');
    if (ms >= 0) return turnDial(row, clock, ms);
    if (clock.dataset.state === 'bad') return;
    clock.dataset.state = 'bad';
    clock.className = 'left is-bad';
    find('.sr', clock).textContent = words('late');
    const dial = row && find('.dial', row);
    if (dial) {
      dial.setAttribute('class', 'dial is-bad');
      dial.innerHTML = '<circle class="full" cx="8" cy="8" r="7"/><path class="sign" d="M8 4.4v4M8 11.3v.01"/>';
    }
    if (row?.ariaCurrent) announce(words('breach', { name: find('.entry-who', row).textContent }));
  }

  /** The arc goes on from the share that the server gave with the time left then. */
  function turnDial(row, clock, ms) {
    const arc = row && find('.dial circle.arc', row);
    if (!arc) return;
    const share = Number.parseFloat(arc.getAttribute('stroke-dasharray'));
    clock.dataset.whole ??= String(share < 100 ? ms / (1 - share / 100) : ms);
    const whole = Number(clock.dataset.whole);
    if (whole > 0) arc.setAttribute('stroke-dasharray', `${Math.min(100, Math.round(100 * (1 - ms / whole)))} 100`);
  }

  function tickRecalls() {
    const bars = all('.recall');
    for (const bar of bars) {
      bar.dataset.until ??= String(Date.now() + Number(bar.dataset.left) * 1000);
      const ms = Number(bar.dataset.until) - Date.now();
      const seconds = Math.max(0, Math.ceil(ms / 1000));
      if (ms <= 0 && !bar.dataset.busy) {
        const had = bar.contains(document.activeElement);
        bar.remove();
        if (had) focusWork();
        continue;
      }
      find('[data-seconds]', bar).textContent = seconds;
      find('[data-words]', bar).textContent = words('leaves', { n: seconds });
      find('.arc', bar).setAttribute('stroke-dasharray', `${100 * Math.max(0, ms) / 1000 / Number(bar.dataset.of)} 100`);
    }
    const [more, folded] = [find('#undo [data-more]'), all('.recall').length - 3];
    if (more) Object.assign(more, { hidden: folded <= 0, textContent: words('more', { n: folded }) });
  }

  let beat = 0;
  function tick() {
    beat += 1;
    if (all('.recall').length) tickRecalls();
    for (const clock of all('[data-clock]')) {
      const left = Date.parse(clock.dataset.clock) - now();
      if (beat % 60 === 1 || (left < 121000 && left > -61000)) tickClock(clock);
    }
  }

  // ---- What happens elsewhere ----------------------------------------------------------------------------------------------------

  const messageIds = () => new Set(all('#talk-items > [id^="m-"]').map(one => one.id));

  /** Says what was added to the open conversation, and offers the way down to who is reading further up. */
  function tellMessages(before) {
    if (!before.size) return;
    const added = all('#talk-items > [id^="m-"]').filter(one => !before.has(one.id));
    const jump = byId('jump');
    if (added.length && jump && byId('talk-scroll').scrollTop < -80) {
      find('[data-text]', jump).textContent = counted('message', added.length);
      jump.hidden = false;
    }
    if (added.some(one => one.classList.contains('is-in'))) {
      const text = words('said', { name: byId('talk-name')?.textContent ?? '' });
      announce(text);
      call(text);
    }
  }

  /** Who else looks at a ticket: faces in its row, words below its conversation. */
  function watching(slot, list) {
    const others = (list ?? []).filter(one => one.name !== document.body.dataset.me);
    const isRow = slot.id !== 'watching';
    slot.replaceChildren(...others.flatMap(one => {
      const text = words(one.editing ? 'editing' : 'watching', { name: one.name });
      const face = make('span', { className: 'face is-small', title: isRow ? text : '' }, one.initials);
      const said = make('span', { className: isRow ? 'sr' : '' }, text);
      return one.editing ? [face, sign('pen', true), said] : [face, said];
    }));
  }

  function counts(told) {
    for (const badge of all('.badge[data-count]')) {
      const n = told[badge.dataset.count];
      if (n === undefined) continue;
      badge.dataset.n = n;
      find('[data-figure]', badge).textContent = n;
    }
    if (told.watchers) {
      for (const slot of all('[data-watchers]')) watching(slot, told.watchers[slot.dataset.watchers]);
    }
    headline();
  }

  /** The count in the title, where it is wanted, and the dot on the sign while nobody looks. */
  let isUnseen = false, audio = null;
  function headline() {
    const n = Number(find('.badge[data-count="review"]')?.dataset.n ?? 0);
    const title = document.title.replace(/^\(\d+\) /, '');
    document.title = isOn('badge') && n ? `(${n}) ${title}` : title;
    const mark = byId('favicon');
    if (!mark) return;
    mark.dataset.plain ??= mark.getAttribute('href');
    const wanted = isOn('badge') && isUnseen ? mark.dataset.dot : mark.dataset.plain;
    if (mark.getAttribute('href') !== wanted) mark.setAttribute('href', wanted);
  }

  /** Calls for attention, each way only where its switch is on. */
  function call(text) {
    if (document.hidden) { isUnseen = true; headline(); }
    if (isOn('sound')) chime();
    if (isOn('notify') && document.hidden && 'Notification' in window && Notification.permission === 'granted') {
      new Notification('atende', { body: text, tag: 'atende' }).onclick = () => window.focus();
    }
  }

  function chime() {
    try {
      audio ??= new AudioContext();
      const [tone, loudness, from] = [audio.createOscillator(), audio.createGain(), audio.currentTime];
      tone.frequency.value = 740;
      loudness.gain.setValueAtTime(0.05, from);
      loudness.gain.exponentialRampToValueAtTime(0.001, from + 0.35);
      tone.connect(loudness).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.36);
    } catch { /* no sound here */ }
  }

  let stream = null, silence, downSince = null, giveUp = null;

  // Browsers keep few connections to one server: of several windows one listens and tells the others.
  const others = 'BroadcastChannel' in window && navigator.locks ? new BroadcastChannel('desk') : null;
  others?.addEventListener('message', ({ data }) => heard[data.name](data.told));

  function listen() {
    if (!byId('rail') || !('EventSource' in window)) return;
    if (!others) connect();
    else navigator.locks.request('desk', () => new Promise(done => { giveUp = done; connect(); })).catch(() => {});
  }

  function connect() {
    stream = new EventSource('/desk/events');
    stream.onopen = () => tell('up', null);
    stream.onerror = () => {
      silence ||= setTimeout(tell, 5000, 'down', null);
      if (stream?.readyState === EventSource.CLOSED) setTimeout(() => stream && connect(), 15000);
    };
    for (const name of ['counts', 'presence', 'killed', 'ticket']) {
      stream.addEventListener(name, event => tell(name, JSON.parse(event.data)));
    }
  }

  function tell(name, told) {
    others?.postMessage({ name, told });
    heard[name](told);
  }

  const heard = {
    counts,
    presence: told => all(`[data-watchers="${CSS.escape(told.ticket)}"]`).forEach(slot => watching(slot, told.watchers)),
    killed: () => refresh(),
    ticket: told => {
      if (told.what === 'left') find(`[data-row="${CSS.escape(told.id)}"]:not([aria-current])`)?.classList.add('is-gone');
      refresh(told.id === ticket());
    },
    down: () => {
      downSince ??= new Date();
      root.classList.add('is-offline');
      const time = downSince.toLocaleTimeString(root.lang, { hour: '2-digit', minute: '2-digit' });
      find('#stale [data-text]').textContent = words('stale', { time });
      byId('stale').hidden = false;
    },
    up: () => {
      silence = clearTimeout(silence);
      if (!downSince) return;
      downSince = null;
      root.classList.remove('is-offline');
      byId('stale').hidden = true;
      refresh();
    },
  };

  // A page that is put aside to come back to would hold its line.
  addEventListener('pagehide', () => {
    stream = stream?.close();
    giveUp?.();
  });
  addEventListener('pageshow', event => event.persisted && (listen(), refresh()));

  /** Tells the others which ticket is looked at, and whether somebody writes. */
  function present() {
    const csrf = find('input[name="csrf"]')?.value;
    if (document.hidden || !ticket() || !csrf) return;
    const body = new URLSearchParams({ csrf, ticket: ticket() });
    if (isDirty()) body.set('editing', '1');
    fetch('/desk/presence', { method: 'POST', body, headers: { 'x-desk': '1' }, credentials: 'same-origin' }).catch(() => {});
  }

  document.addEventListener('visibilitychange', () => {
    isUnseen &&= document.hidden;
    headline();
    present();
  });

  // ---- Beginning -----------------------------------------------------------------------------------------------------------------

  /** What a page needs after it was put: tab stops, kept words, running clocks. */
  function wire() {
    rove();
    restore();
    tickRecalls();
    for (const clock of all('[data-clock]')) tickClock(clock);
    if (downSince) heard.down();
    const [seen, here] = [find('.entry[aria-current] .entry-seen'), byId('watching')];
    if (here && seen && !here.childElementCount) {
      for (const one of seen.childNodes) here.append(one.cloneNode(true));
      for (const one of all('.sr', here)) one.className = '';
    }
    if (desk()?.dataset.at) show(desk().dataset.at);
    byId('talk-scroll')?.addEventListener('scroll', () => {
      if (byId('jump') && byId('talk-scroll').scrollTop > -80) byId('jump').hidden = true;
    }, { passive: true });
    // A list opens its first ticket: pinned, so that looking again never turns the page.
    const href = desk()?.dataset.href;
    if (href && !new URL(location.href).searchParams.get('t')) history.replaceState(null, '', href + location.hash);
    headline();
  }

  if (desk()) {
    const named = { '#queue': 'queue', '#talk': 'talk', '#reply': 'reply' }[location.hash];
    const asked = new URL(location.href).searchParams;
    show(named ?? (isNarrow() && !asked.has('t') ? 'queue' : asked.has('acao') ? 'reply' : 'talk'));
  }
  for (const pane of all('[data-pane]')) sources.set(pane.id, pane.outerHTML);
  setClock(document);
  wire();
  const current = find('#ledger a[aria-current]');
  if (current) look(current, { focus: false });
  listen();
  setInterval(tick, 1000);
  setInterval(present, 20000);
})();
