std = 'luajit'
max_line_length = 132
ignore = { '581' } -- not (x <= y) is meant: it holds for NaN
unused_args = false
exclude_files = { 'build/', 'tests/golden/' }
files['tests/lua'] = { std = 'luajit+busted' }
