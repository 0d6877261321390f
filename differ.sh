. /tmp/w/pp.env; D=/work/shared/data/power-platform
python -m lampway diff $D/$1.zip $D/$2.zip | cut -c1-230
