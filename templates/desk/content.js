// The page where content is written: lint and preview follow the words, a moment after they stop. Without it the button
// "preview" does the same.
(() => {
  const form = document.getElementById('content-form');
  const text = document.getElementById('content-text');
  if (!form || !text || text.readOnly) return;
  const PAUSE = 700;
  let timer = 0;
  let asked = 0;
  let dirty = false;

  async function look() {
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(form));
    body.set('do', 'preview');
    try {
      const got = await fetch(form.action, { method: 'POST', body, headers: { 'x-desk': '1' } });
      const page = new DOMParser().parseFromString(await got.text(), 'text/html');
      if (mine !== asked) return;
      for (const id of ['content-lint', 'content-preview']) {
        const there = document.getElementById(id);
        const here = page.getElementById(id);
        if (there && here) there.replaceWith(document.importNode(here, true));
      }
    } catch {
      // The button is still there, and says what is wrong.
    }
  }

  text.addEventListener('input', () => {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  form.addEventListener('submit', () => { dirty = false; });
  window.addEventListener('beforeunload', event => { if (dirty) event.preventDefault(); });

  // A finding leads to its line.
  document.addEventListener('click', event => {
    const line = Number(event.target.closest('[data-line]')?.dataset.line);
    if (!line) return;
    const lines = text.value.split('\n');
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[line - 1] ?? '').length);
    text.scrollTop = Math.max(0, (line - 4) * (text.scrollHeight / lines.length));
  });
})();
