#pragma once
// What stands above the content of the status page: head, style and title.

namespace poolscope::api {

inline constexpr const char* kPageHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="5">
<title>poolscope</title>
<style>
:root { --ink: #1b1f24; --quiet: #59636e; --paper: #ffffff; --line: #d5dae0; --link: #0b57d0; --good: #1a7f37; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --quiet: #9aa4af; --paper: #14181d; --line: #343c45; --link: #8ab4f8; --good: #56d364; --bad: #ff8a80; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
p { margin: .25rem 0 .5rem; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); margin-top: 1.25rem; padding-top: 1rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .5rem 0; }
a { color: var(--link); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .2rem .75rem .2rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 500; color: var(--quiet); }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.collecting { color: var(--good); }
.unavailable, .waiting { color: var(--bad); }
</style>
</head>
<body>
<main>
<h1>poolscope</h1>
)";

}  // namespace poolscope::api
