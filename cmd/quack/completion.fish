# fish completion of quack: quack completion fish | source
function __quack_complete
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    for answer in ($words[1] complete -- $words[2..-1] "$last" 2>/dev/null)
        if string match -q '*:files*' -- $answer
            __fish_complete_path "$last"
        else
            echo $answer
        end
    end
end
complete -c quack -f -a '(__quack_complete)'
