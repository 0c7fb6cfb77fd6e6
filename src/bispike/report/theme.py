"""The look of the report: one column of text, figures in a grid, the reader's light or dark setting."""

CSS = """
:root{color-scheme:light dark;--ink:#1f2328;--soft:#57606a;--line:#d0d7de;--page:#fff;--card:#f6f8fa;--link:#0b63b5}
@media(prefers-color-scheme:dark){
:root{--ink:#e6edf3;--soft:#9ea7b3;--line:#3d444d;--page:#0f1318;--card:#171c23;--link:#6cb6ff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:62rem;background:var(--page);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 1rem}
h2{font-size:1.4rem;line-height:1.25;margin:3rem 0 .75rem;padding-top:1rem;border-top:3px solid var(--ink)}
h3{font-size:1.15rem;margin:2.25rem 0 .5rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
p{max-width:46rem;margin:.6rem 0}
h4{font-size:1rem;margin:1.5rem 0 .4rem}
h1,h2,h3,p,td,th,figcaption,code{overflow-wrap:anywhere}
a{color:var(--link)}
nav{font-size:.9rem;margin:.5rem 0;display:flex;flex-wrap:wrap;gap:.3rem .9rem}
.lead{font-size:1.15rem;line-height:1.45}
.note{color:var(--soft);border-left:3px solid var(--line);padding-left:.75rem}
.gallery{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1rem;margin:1rem
0; align-items:start} .tables{display:flex;flex-wrap:wrap;gap:0 3rem}
.tables>div{max-width:100%}
figure{margin:0;padding:.75rem;background:var(--card);border:1px solid
var(--line);border-radius:8px;min-width:0; max-width:46rem} figure.wide{grid-column:1/-1} figure
img{display:block;width:100%;max-width:34rem;height:auto;margin:0 auto}
figcaption{font-size:.88rem;line-height:1.45;color:var(--soft);margin-top:.6rem}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.3rem .9rem .3rem 0;border-bottom:1px solid var(--line)}
thead th{border-bottom:2px solid var(--line);font-weight:600} tbody th{font-weight:500;color:var(--soft)}
td,thead th{overflow-wrap:normal} .facts td{overflow-wrap:anywhere} .n{text-align:right}
td.n{white-space:nowrap}
pre{background:var(--card);border:1px solid
var(--line);border-radius:8px;padding:.75rem;white-space:pre-wrap; overflow-wrap:anywhere;font:.88rem/1.45
ui-monospace,Menlo,Consolas,monospace} @media
print{body{max-width:none}figure,table,pre{break-inside:avoid}}
"""
