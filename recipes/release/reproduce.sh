#!/usr/bin/env bash
# Makes the models of models/ anew: fine-tunes the teachers, distils every student, packs, measures and writes the folders.
# What is done is skipped, what is half done is resumed: run it again after an interruption.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: recipes/release/reproduce.sh [OPTION].. [MODEL]..

MODEL: sst2-ternary, sst2-sparse, sst2-binary, sst2-tiny, stsb-ternary, rte-ternary; all of them, unless given

  --data DIR       folder with SST-2, STS-B and RTE (default: data)
  --encoder DIR    all-MiniLM-L6-v2, from which the teachers start (default: all-MiniLM-L6-v2)
  --work DIR       folder of the runs (default: runs/release)
  --models DIR     folder of the models (default: WORK/models)
  --seeds N,..     seeds; the model is that of the first (default: 42,1,2 for SST-2, 42 for sst2-sparse and the others)
  --teacher DIR    teacher of sst2-sparse, instead of the one that is fine-tuned (the shipped model had another: its card)
  --threads N      threads to train with; 0 takes all cores (default: 0)
  --limit N        train on N examples only, to try the script
  --bitspike FILE  the program (default: target/release/bitspike of this repository)

The folders come from the hub where they are missing:
  bitspike data fetch sst2 --out DATA/SST-2      (stsb: STS-B, rte: RTE)
  bitspike data fetch --model sentence-transformers/all-MiniLM-L6-v2 --out ENCODER
TEXT
}

root=$(cd "$(dirname "$0")/../.." && pwd)
teacher_of_sparse='' data=data encoder=all-MiniLM-L6-v2 work=runs/release models='' seeds='' threads=0 limit=0
bitspike=$root/target/release/bitspike
wanted=()
while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --data | --encoder | --work | --models | --seeds | --threads | --limit | --bitspike)
            [ $# -ge 2 ] || { echo "$1: expected a value" >&2; exit 2; }
            printf -v "${1#--}" '%s' "$2"
            shift 2
            ;;
        --teacher)
            [ $# -ge 2 ] || { echo "$1: expected a value" >&2; exit 2; }
            teacher_of_sparse=$2
            shift 2
            ;;
        sst2-ternary | sst2-sparse | sst2-binary | sst2-tiny | stsb-ternary | rte-ternary) wanted+=("$1"); shift ;;
        *) echo "$1: neither an option nor a model" >&2; usage >&2; exit 2 ;;
    esac
done
[ ${#wanted[@]} -gt 0 ] || wanted=(sst2-ternary sst2-sparse sst2-binary sst2-tiny stsb-ternary rte-ternary)
[ -n "$models" ] || models=$work/models
command -v "$bitspike" > /dev/null || { echo "no program $bitspike; build it with \`cargo build --release\`" >&2; exit 1; }
[ -d "$encoder" ] || { echo "--encoder $encoder: no such folder; see --help" >&2; exit 1; }

# Whether the run in a folder went to its end.
finished() { grep -q '"event":"end","reason":"finished"' "$1/metrics.jsonl" 2> /dev/null; }

# Runs a training into the folder $1 unless it is done; goes on with one that is half done.
train() {
    local out=$1
    shift
    if finished "$out"; then
        echo "== $out is done"
        return
    fi
    local resume=()
    [ ! -e "$out/model.json" ] && [ ! -e "$out/finetune.json" ] || resume=(--resume)
    echo "== $out"
    "$bitspike" "$@" --out "$out" --limit "$limit" --threads "$threads" ${resume[@]+"${resume[@]}"}
    finished "$out" || { echo "$out: the run did not end; start this script again to go on" >&2; exit 1; }
}

# Distils into the folder $1 by recipe $2 for task $3 in data folder $4; what follows are further options.
distil() {
    local out=$1 recipe=$2 task=$3 folder=$4
    shift 4
    train "$out" distil --recipe "$root/recipes/release/$recipe.toml" --task "$task" --data "$data/$folder" \
        --teacher "$taught" "$@"
}

has() { [ -d "$data/$1" ] || { echo "--data $data: no folder $1 in it; see --help" >&2; exit 1; }; }

stsb_teacher=(--epochs 4 --learning-rate 5e-5)
for model in "${wanted[@]}"; do
    # What the teachers were fine-tuned with; each keeps the state that scored best on dev.
    case $model in
        sst2-*) task=sst2 folder=SST-2 all=42,1,2
            teacher=(--epochs 3 --learning-rate 5e-5 --max-length 64) ;;
        stsb-*) task=stsb folder=STS-B all=42
            teacher=("${stsb_teacher[@]}") ;;
        # Too few examples for an encoder that has never compared two texts: it starts from the teacher of STS-B.
        rte-*) task=rte folder=RTE all=42
            teacher=(--epochs 6 --learning-rate 5e-5 --batch-size 16 --evals-per-epoch 1) ;;
    esac
    start=$encoder
    if [ "$task" = rte ]; then
        start=$work/teacher-stsb
        has STS-B
        train "$start" teacher --model "$encoder" --task stsb --data "$data/STS-B" "${stsb_teacher[@]}"
    fi
    has "$folder"
    taught=$work/teacher-$task
    [ "$model" != sst2-sparse ] || { all=42; taught=${teacher_of_sparse:-$taught}; }
    [ "$taught" != "$work/teacher-$task" ] || train "$taught" teacher --model "$start" --task "$task" --data "$data/$folder" "${teacher[@]}"
    IFS=, read -r -a numbers <<< "${seeds:-$all}"
    others=()
    for seed in "${numbers[@]}"; do
        from=()
        case $model in
            sst2-ternary)
                from=(--from "$work/$model-first-$seed")
                distil "$work/$model-first-$seed" sst2-ternary-first sst2 SST-2 --seed "$seed"
                ;;
            # It starts from the packed model, made anew or shipped.
            sst2-sparse)
                from=(--from "$models/sst2-ternary")
                [ -d "$models/sst2-ternary" ] || from=(--from "$root/models/sst2-ternary")
                distil "$work/$model-first-$seed" sst2-sparse-first sst2 SST-2 --seed "$seed" "${from[@]}"
                from=(--from "$work/$model-first-$seed")
                ;;
            # Its encoder is that of the student of STS-B, as its teacher's is that of the teacher of STS-B.
            rte-ternary)
                from=(--from "$work/stsb-ternary-$seed")
                distil "$work/stsb-ternary-$seed" stsb-ternary stsb STS-B --seed "$seed"
                ;;
        esac
        distil "$work/$model-$seed" "$model" "$task" "$folder" --seed "$seed" ${from[@]+"${from[@]}"}
        [ "$seed" = "${numbers[0]}" ] || others+=("$work/$model-$seed")
    done
    [ ${#others[@]} -eq 0 ] || others=(--seeds-of "${others[@]}")
    # The last state of the first seed, whatever it scores.
    "$bitspike" models add "$work/$model-${numbers[0]}" --name "$model" --data "$data/$folder" --teacher "$taught" \
        --origins "$root/models/cards.toml" --trits --force --out "$models" --checkpoint last ${others[@]+"${others[@]}"}
done
