'use strict';
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const one = (what) => document.querySelector(what);
  document.documentElement.classList.add('js');
  const buttons = all('.bar button[data-m]');
  const names = buttons.map((button) => button.dataset.name);
  const state = { models: [], sort: '', filter: '', section: '', sample: '' };

  // Permalinks: #models=a,b&sort=2:desc&filter=...&section=...&sample=...
  const write = () => {
    const pairs = Object.entries(state).filter(([, value]) => value.length).map(([key, value]) =>
      `${key}=${(Array.isArray(value) ? value.map((m) => encodeURIComponent(names[m])).join(',') : encodeURIComponent(value))}`);
    history.replaceState(null, '', pairs.length ? `#${pairs.join('&')}` : location.pathname + location.search);
  };
  const read = () => {
    const hash = location.hash.slice(1);
    if (!hash.includes('=')) { if (hash) reveal(hash); return; }
    const found = Object.fromEntries(hash.split('&').map((pair) => { const at = pair.indexOf('='); return [pair.slice(0, at), pair.slice(at + 1)]; }));
    const text = (key) => { try { return decodeURIComponent(found[key] || ''); } catch { return ''; } };
    state.models = (found.models || '').split(',').map((m) => { try { return names.indexOf(decodeURIComponent(m)); } catch { return -1; } }).filter((m) => m >= 0).slice(0, 2);
    state.sort = text('sort'); state.filter = text('filter'); state.section = text('section'); state.sample = text('sample');
    if (filter) filter.value = state.filter;
    show(); order(); sift();
    if (state.sample || state.section) reveal(state.sample || state.section);
  };
  const reveal = (id) => {
    const target = document.getElementById(id);
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
    all('.target').forEach((each) => each.classList.remove('target'));
    target.classList.add('target');
    target.scrollIntoView({ block: 'start' });
  };

  // Choosing models: dimmed or strong in every plot and table; with two, differences.
  const paint = (chosen) => {
    all('[data-m]').forEach((each) => {
      if (each.closest('.bar')) return;
      const on = chosen.includes(+each.dataset.m);
      each.classList.toggle('dim', chosen.length > 0 && !on);
      each.classList.toggle('strong', on);
    });
  };
  const signed = (value, digits = 1) => `${value > 0 ? '+' : value < 0 ? '−' : '±'}${Math.abs(value).toFixed(digits)}`;
  // Of two models the one that was first begun stands first, in whatever order they were chosen.
  const pair = one('#two'), pairs = JSON.parse(pair?.dataset.pairs || '{}');
  const chosen = () => { const [i, j] = state.models; return pairs[`${j}-${i}`] ? [j, i] : state.models; };
  const compare = () => {
    const row = one('.difference'), models = chosen();
    const [first, second] = models.map((m) => one(`.scorecard tbody tr[data-m="${m}"]`));
    row.hidden = !second;
    if (second) {
      row.firstElementChild.textContent = `${names[models[0]]} − ${names[models[1]]}`;
      [...row.children].slice(1).forEach((cell, k) => {
        const [a, b] = [first, second].map((each) => parseFloat(each.children[k + 1].dataset.v));
        cell.textContent = isNaN(a - b) ? '' : signed(a - b); // whether it is more than chance is said above, in words
      });
    }
    const lines = (m, figure) => all(`.matrix[data-m="${m}"] tr[data-v]`, figure);
    all('.matrices').forEach((figure) => names.forEach((_, m) => lines(m, figure).forEach((row, r) => {
      const differs = second && m === models[0];
      const other = differs ? (lines(models[1], figure)[r]?.dataset.v || '').split(' ') : [];
      row.dataset.v.split(' ').forEach((text, k) => {
        const shown = differs ? text - other[k] : +text, cell = row.children[k + 1];
        if (isNaN(shown)) return;
        cell.textContent = differs ? signed(100 * shown, 0) : (100 * shown).toFixed(0);
        cell.className = differs ? (shown > 0 ? 'more' : 'less') : '';
        cell.style.setProperty('--s', (100 * Math.min(0.62, (differs ? 1.5 : 0.62) * Math.abs(shown))).toFixed(0));
      });
    })));
  };
  // What the chosen model has more than a published one; in a part of the data, whether that is within its interval.
  const against = () => {
    all('table:has(.against)').forEach((table) => {
      const heads = all('thead th', table).map((head) => JSON.parse(head.dataset.d || '{}'));
      all('.against', table).forEach((each) => {
        const known = heads[each.closest('td').cellIndex], [value, n] = each.dataset.p.split(' ').map(Number);
        const [own, low, high, images] = known[state.models[0]] || Object.values(known)[0];
        each.textContent = signed(100 * (own - value)) + (images >= n ? '' : low <= value && value <= high ? ', within' : ', outside');
      });
    });
    all('.against-name').forEach((each) => { each.textContent = names[state.models[0] ?? 0]; });
  };
  const two = () => {
    const [i, j] = chosen(), found = pairs[`${i}-${j}`];
    if (pair) { pair.hidden = j === undefined; pair.textContent = j === undefined ? '' : `${names[i]} and ${names[j]}. ${found ? found.map(([title, text]) => `${title}: ${text}`).join('; ') : 'no column has both'}.`; }
  };
  const show = () => {
    buttons.forEach((button) => button.setAttribute('aria-pressed', state.models.includes(+button.dataset.m)));
    paint(state.models); compare(); against(); two(); if (bar) pad();
  };
  const choose = (m) => {
    state.models = state.models.includes(m) ? state.models.filter((each) => each !== m) : [...state.models, m].slice(-2);
    show(); write();
  };
  buttons.forEach((button) => {
    button.addEventListener('click', () => choose(+button.dataset.m));
    button.addEventListener('mouseenter', () => paint([+button.dataset.m]));
    button.addEventListener('mouseleave', () => paint(state.models));
  });
  all('svg.sheet [data-m], .matrices [data-m]').forEach((group) => {
    group.addEventListener('mouseenter', () => paint([+group.dataset.m]));
    group.addEventListener('mouseleave', () => paint(state.models));
    group.addEventListener('click', () => choose(+group.dataset.m));
  });

  // The overview: sorting by a column, and filtering by name or by "column < value".
  const body = one('.scorecard tbody'), filter = one('#filter');
  const rows = body ? all('tr[data-m]', body) : [];
  const order = () => {
    const [column, way] = state.sort.split(':');
    all('.scorecard thead th').forEach((head) => head.removeAttribute('aria-sort'));
    const head = one(`.scorecard th[data-k="${CSS.escape(column)}"]`);
    const key = (row) => { const value = parseFloat(row.children[+column + 1]?.dataset.v); return isNaN(value) ? Infinity : way === 'desc' ? -value : value; };
    const sorted = head ? [...rows].sort((a, b) => key(a) - key(b)) : rows;
    if (head) head.setAttribute('aria-sort', way === 'desc' ? 'descending' : 'ascending');
    sorted.forEach((row) => body.insertBefore(row, one('.difference')));
  };
  const sift = () => {
    const terms = state.filter.toLowerCase().split(/\s*,\s*/).filter(Boolean);
    const heads = all('.scorecard thead th[data-k]').map((head) => head.textContent.toLowerCase());
    rows.forEach((row) => {
      row.hidden = !terms.every((term) => {
        const rule = /^(.*?)\s*([<>])\s*(-?[\d.]+)$/.exec(term);
        if (!rule) return row.firstElementChild.textContent.toLowerCase().includes(term);
        const value = parseFloat(row.children[heads.findIndex((head) => head.includes(rule[1])) + 1]?.dataset.v);
        return rule[2] === '<' ? value < +rule[3] : value > +rule[3];
      });
    });
    const none = one('.nothing');
    if (none) none.hidden = rows.some((row) => !row.hidden);
  };
  const bar = one('.bar'), pad = () => { document.documentElement.style.scrollPaddingTop = `${getComputedStyle(bar).position === 'sticky' ? bar.offsetHeight + 12 : 12}px`; };
  if (bar) { pad(); addEventListener('resize', pad); }
  all('.scorecard th button').forEach((button) => button.addEventListener('click', () => {
    const head = button.closest('th'), [column, way] = state.sort.split(':');
    const start = head.dataset.up === '1' ? 'desc' : 'asc', other = start === 'asc' ? 'desc' : 'asc';
    state.sort = column !== head.dataset.k ? `${head.dataset.k}:${start}` : way === start ? `${column}:${other}` : '';
    order(); write();
  }));
  // A column that lies under the names, if only in part, is not shown, so that no number is read without its beginning.
  const board = one('#scorecard')?.parentElement;
  const uncover = () => {
    const edge = one('#scorecard thead th:first-child').getBoundingClientRect().right;
    all('#scorecard tr:not(.groups) > :not(:first-child)').forEach((cell) => cell.classList.toggle('under', cell.getBoundingClientRect().left < edge - 1));
  };
  if (board) { board.addEventListener('scroll', uncover); addEventListener('resize', uncover); }
  if (filter) filter.addEventListener('input', () => { state.filter = filter.value; sift(); write(); });

  // Links that keep the view, and copying.
  all('a[href^="#"]').forEach((link) => link.addEventListener('click', (event) => {
    const id = link.getAttribute('href').slice(1);
    event.preventDefault();
    const sample = link.classList.contains('sample');
    state.section = sample ? '' : id; state.sample = sample ? id : '';
    write(); reveal(id);
  }));
  const copy = async (text, button) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.body.appendChild(document.createElement('textarea'));
      area.value = text; area.select(); document.execCommand('copy'); area.remove();
    }
    const before = button.textContent; button.textContent = 'copied'; setTimeout(() => { button.textContent = before; }, 900);
  };
  all('[data-copy]').forEach((button) => button.addEventListener('click', () => {
    const what = button.dataset.copy;
    if (what === 'link') copy(location.href, button);
    else copy(all('tr:not([hidden], .groups)', document.getElementById(what)).map((row) => [...row.children].map((cell) => (cell.dataset.text || cell.textContent).trim().replace(/\s+/g, ' ')).join('\t')).join('\n'), button);
  }));
  all('[data-copy-text]').forEach((button) => button.addEventListener('click', () => copy(button.dataset.copyText, button)));
  all('[data-sheet]').forEach((button) => button.addEventListener('click', () => {
    document.body.classList.add('one-sheet'); print(); document.body.classList.remove('one-sheet');
  }));
  addEventListener('hashchange', read);
  addEventListener('beforeprint', () => all('figure, .differences').forEach((figure) => { for (let at = figure; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true; }));
  read();
})();
