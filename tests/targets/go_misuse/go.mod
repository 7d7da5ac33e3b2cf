module go_misuse

go 1.19
