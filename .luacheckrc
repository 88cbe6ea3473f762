std = 'luajit'
max_line_length = 132
unused_args = false
exclude_files = { 'build/' }
files['tests/lua'] = { std = 'luajit+busted' }
