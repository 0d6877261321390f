import sys,glob
sys.path.insert(0,'/tmp/w/pp/src')
from lampway.platforms.powerplatform.contents import read_package
import collections
c=collections.Counter()
for f in sorted(glob.glob('/work/shared/data/power-platform/*.zip')):
    x=read_package(open(f,'rb').read())
    for p in x.parts:
        c[p.type]+=1
        if p.missing: print(f,p.title,p.missing)
        if p.type in('file',) or '/' in p.id or '#' in p.id: print(f[30:60],p.type,p.name,p.id)
print(c)
